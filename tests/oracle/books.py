"""Price books as data: section 4 of the contract, read from plain mappings.

The books are taken to be valid on their own; `catalog` decides which are accepted together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from .times import DailyWindow, duration_ms, instant_ms

DEFAULT_DEDUP_HORIZON_MS = duration_ms("35d")
DEFAULT_MAX_FUTURE_SKEW_MS = duration_ms("10m")


@dataclass(frozen=True)
class Settings:
    """What the first accepted version of a book id fixes for all later ones."""

    currency: str
    period: str
    timezone: ZoneInfo
    allowed_lateness_ms: int
    late_policy: str  # correct or reject
    dedup_horizon_ms: int
    max_future_skew_ms: int


@dataclass(frozen=True)
class Tier:
    """A range of unit numbers with one price; `up_to` is inclusive, None: no end."""

    up_to: int | None
    unit_price: Fraction
    flat_fee: Fraction


@dataclass(frozen=True)
class Price:
    """How a meter is priced; the fields that its model does not use are 0, 1 or empty."""

    model: str  # per_unit, graduated, volume or package
    unit_price: Fraction  # per_unit: of `per` units
    per: int
    tiers: tuple[Tier, ...]  # graduated, volume
    size: int  # package
    package_price: Fraction


@dataclass(frozen=True)
class SessionRules:
    """How a session meter turns time into units (rule 11)."""

    minimum: int  # units
    increment: int  # units
    idle_timeout_ms: int


@dataclass(frozen=True)
class Meter:
    """What is counted, and its price."""

    price: Price
    session: SessionRules | None  # None: the meter takes quantities


@dataclass(frozen=True)
class Promotion:
    """A promotion of a book; which fields count depends on its kind."""

    id: str
    kind: str  # free_units, percent_off, burst, milestone or coupon
    meters: tuple[str, ...]  # "*" is all
    units: int  # free_units and coupon: free; milestone: to be reached
    percent: Fraction
    daily: DailyWindow | None
    from_ms: int | None
    to_ms: int | None  # exclusive
    window_ms: int  # burst
    at_least: int  # burst
    lasts_ms: int  # burst, coupon; 0: a coupon that lasts to the end of the cycle
    spend: Fraction  # milestone
    credit: Fraction  # milestone
    codes: tuple[str, ...]  # coupon
    max_redemptions: int  # coupon

    def covers(self, meter: str) -> bool:
        """Say whether it is for a meter."""
        return "*" in self.meters or meter in self.meters

    def is_on(self, event_time_ms: int) -> bool:
        """Say whether a time is between its `from` and `to`."""
        begun = self.from_ms is None or self.from_ms <= event_time_ms
        return begun and (self.to_ms is None or event_time_ms < self.to_ms)

    def applies(self, meter: str, event_time_ms: int, timezone: ZoneInfo) -> bool:
        """Say whether an event of a meter at a time falls under the promotion."""
        return (
            self.covers(meter)
            and self.is_on(event_time_ms)
            and (self.daily is None or self.daily.contains(event_time_ms, timezone))
        )


@dataclass(frozen=True)
class SurgeLevel:
    """From `at_least` units in a window on, times `factor`."""

    at_least: int
    factor: Fraction


@dataclass(frozen=True)
class SurgeRule:
    """Demand pricing of some meters (section 6)."""

    id: str
    meters: tuple[str, ...]
    dimension: str
    window_ms: int
    lead_ms: int
    levels: tuple[SurgeLevel, ...]
    release_below: int
    model: str  # levels or elasticity
    capacity: int  # elasticity
    elasticity: Fraction
    trend: Fraction


@dataclass(frozen=True)
class Contract:
    """What one customer agreed; it wins over the book."""

    version: tuple[str, int, int]  # the book's id and version, and the position in it
    customer_id: str
    effective_from_ms: int | None  # None: as long as the book that lists it is in effect
    price_book: str | None
    discount_percent: Fraction | None
    prices: Mapping[str, Price]
    prepaid_credit: Fraction  # 0: none
    blocks_without_credit: bool


@dataclass(frozen=True)
class PriceBook:
    """One version of a price book."""

    id: str
    version: int
    effective_from_ms: int
    settings: Settings
    meters: Mapping[str, Meter]
    promotions: tuple[Promotion, ...]  # in the order in which they are applied
    contracts: tuple[Contract, ...]
    surge: tuple[SurgeRule, ...]

    def surge_rule(self, meter: str) -> SurgeRule | None:
        """Return the one surge rule that a meter can be in."""
        return next((rule for rule in self.surge if meter in rule.meters), None)


def parse_book(raw: Mapping[str, Any]) -> PriceBook:
    """Return the price book that a loaded YAML document describes; scalars are text or int."""
    book_id, version = str(raw["price_book"]), int(raw["version"])
    settings = _settings(raw)
    timezone = settings.timezone
    return PriceBook(
        id=book_id,
        version=version,
        effective_from_ms=instant_ms(str(raw["effective_from"]), timezone),
        settings=settings,
        meters={
            name: Meter(price=_price(meter["price"]), session=_session_rules(meter.get("session")))
            for name, meter in raw["meters"].items()
        },
        promotions=tuple(_promotion(each, timezone) for each in raw.get("promotions") or ()),
        contracts=tuple(
            _contract(each, (book_id, version, position), timezone)
            for position, each in enumerate(raw.get("contracts") or ())
        ),
        surge=tuple(map(_surge_rule, raw.get("surge") or ())),
    )


def parse_published_contract(raw: Mapping[str, Any], position: int) -> Contract:
    """Return a contract of `pricing.contracts` from the plain data of its YAML; times without an offset are UTC."""
    return _contract(raw, ("pricing.contracts", 0, position), ZoneInfo("UTC"))


def _settings(raw: Mapping[str, Any]) -> Settings:
    cycle = raw.get("cycle") or {}
    return Settings(
        currency=str(raw["currency"]),
        period=str(cycle.get("period", "month")),
        timezone=ZoneInfo(str(cycle.get("timezone", "UTC"))),
        allowed_lateness_ms=duration_ms(str(raw.get("allowed_lateness", "3h"))),
        late_policy=str(raw.get("late_policy", "correct")),
        dedup_horizon_ms=duration_ms(str(raw.get("dedup_horizon", "35d"))),
        max_future_skew_ms=duration_ms(str(raw.get("max_future_skew", "10m"))),
    )


def _session_rules(raw: Mapping[str, Any] | None) -> SessionRules | None:
    if not raw:
        return None
    return SessionRules(
        minimum=int(raw["minimum"]),
        increment=int(raw["increment"]),
        idle_timeout_ms=duration_ms(str(raw["idle_timeout"])),
    )


def _price(raw: Mapping[str, Any]) -> Price:
    return Price(
        model=str(raw["model"]),
        unit_price=_number(raw.get("unit_price")),
        per=int(raw.get("per") or 1),
        tiers=tuple(_tier(each) for each in raw.get("tiers") or ()),
        size=int(raw.get("size") or 1),
        package_price=_number(raw.get("price")),
    )


def _tier(raw: Mapping[str, Any]) -> Tier:
    up_to = raw.get("up_to")
    return Tier(
        up_to=int(str(up_to)) if _given(up_to) else None,
        unit_price=_number(raw["unit_price"]),
        flat_fee=_number(raw.get("flat_fee")),
    )


def _promotion(raw: Mapping[str, Any], timezone: ZoneInfo) -> Promotion:
    return Promotion(
        id=str(raw["id"]),
        kind=str(raw["kind"]),
        meters=tuple(raw.get("meters") or ()),
        units=int(raw.get("units") or 0),
        percent=_number(raw.get("percent")),
        daily=_daily_window(raw.get("daily")),
        from_ms=_optional_instant(raw.get("from"), timezone),
        to_ms=_optional_instant(raw.get("to"), timezone),
        window_ms=duration_ms(str(raw.get("window") or "0s")),
        at_least=int(raw.get("at_least") or 0),
        lasts_ms=duration_ms(str(raw.get("lasts") or "0s")),
        spend=_number(raw.get("spend")),
        credit=_number(raw.get("credit")),
        codes=tuple(map(str, raw.get("codes") or ())),
        max_redemptions=int(raw.get("max_redemptions") or 1),
    )


def _surge_rule(raw: Mapping[str, Any]) -> SurgeRule:
    levels = tuple(SurgeLevel(int(each["at_least"]), Fraction(str(each["factor"]))) for each in raw["levels"])
    parameters = raw.get("parameters") or {}
    return SurgeRule(
        id=str(raw["id"]),
        meters=tuple(raw["meters"]),
        dimension=str(raw["dimension"]),
        window_ms=duration_ms(str(raw["window"])),
        lead_ms=duration_ms(str(raw["lead"])),
        levels=levels,
        release_below=int(raw["release_below"]) if _given(raw.get("release_below")) else levels[0].at_least,
        model=str(raw.get("model") or "levels"),
        capacity=int(parameters.get("capacity") or 0),
        elasticity=_number(parameters.get("elasticity")),
        trend=_number(parameters.get("trend")),
    )


def _contract(raw: Mapping[str, Any], version: tuple[str, int, int], timezone: ZoneInfo) -> Contract:
    discount = raw.get("discount_percent")
    return Contract(
        version=version,
        customer_id=str(raw["customer_id"]),
        effective_from_ms=_optional_instant(raw.get("effective_from"), timezone),
        price_book=str(raw["price_book"]) if raw.get("price_book") else None,
        discount_percent=_number(discount) if _given(discount) else None,
        prices={meter: _price(price) for meter, price in (raw.get("prices") or {}).items()},
        prepaid_credit=_number(raw.get("prepaid_credit")),
        blocks_without_credit=raw.get("when_credit_is_used_up") == "block",
    )


def _number(value: Any) -> Fraction:
    return Fraction(str(value)) if _given(value) else Fraction(0)


def _optional_instant(value: Any, timezone: ZoneInfo) -> int | None:
    return instant_ms(str(value), timezone) if value else None


def _daily_window(raw: Mapping[str, Any] | None) -> DailyWindow | None:
    if not raw:
        return None
    start, end = (time.fromisoformat(str(raw[bound])) for bound in ("from", "to"))
    return DailyWindow(start, end)


def _given(value: Any) -> bool:
    return value is not None and value != ""
