"""Seeded price books with session meters under every price model."""

from collections.abc import Container, Sequence
from random import Random
from typing import Any

from billing.instants import format_instant

START_MS = 1_793_491_200_000  # 2026-11-01T00:00:00Z
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
SESSION_METERS = ("call", "ride", "game", "film")
QUANTITY_METERS = ("bulk", "flat")
SECONDS = (60, 120, 300, 420, 700, 1300, 3600, 5000, 11_000)
UNITS = (5, 11, 20, 30, 45, 70)
HOURS = {"0s": 0, "1h": HOUR_MS, "3h": 3 * HOUR_MS, "4h": 4 * HOUR_MS}
DAYS = {"2d": 2 * DAY_MS, "10d": 10 * DAY_MS, "35d": 35 * DAY_MS}
DURATIONS_MS = {"10m": 10 * MINUTE_MS} | HOURS | DAYS


def books(dice: Random) -> list[dict[str, Any]]:
    """Return versions of the default book, and at times another that contracts send customers to."""
    first = _series(dice, "b", "USD")
    if dice.random() < 0.2:
        sent = {"customer_id": "ada", "price_book": "c", "effective_from": _text(dice.randrange(20, 40) * DAY_MS)}
        first = [one | {"contracts": [*one["contracts"], sent]} for one in first]
        return first + _series(dice, "c", "JPY", dedup_horizon="2d")
    return first


def _series(dice: Random, book_id: str, currency: str, **fixed: Any) -> list[dict[str, Any]]:
    terms = {
        "price_book": book_id,
        "currency": currency,
        "cycle": {"period": "month", "timezone": dice.choice(("UTC", "UTC", "Europe/Berlin", "America/Sao_Paulo"))},
        "allowed_lateness": dice.choice(("0s", "1h", "3h", "2d")),
        "late_policy": dice.choice(("correct", "correct", "reject")),
        "dedup_horizon": dice.choice(("2d", "10d", "35d")),
        "max_future_skew": "10m",
    } | fixed
    found = [_version(dice, 1, START_MS)]
    if dice.random() < 0.4:
        found.append(_version(dice, 2, START_MS + dice.randrange(28 * 24, 31 * 24) * HOUR_MS))
    return [terms | one for one in found]


def _version(dice: Random, number: int, effective_ms: int) -> dict[str, Any]:
    idle = dice.choice(("10m", "1h", "4h", "4h"))
    meters: dict[str, Any] = {}
    for name, model in zip(SESSION_METERS, ("per_unit", "volume", "graduated", "package"), strict=True):
        rules = {"minimum": dice.choice((1, 30, 60)), "increment": dice.choice((1, 15, 60)), "idle_timeout": idle}
        meters[name] = {"unit": "second", "session": rules, "price": price(dice, model, SECONDS)}
    for name, model in zip(QUANTITY_METERS, ("volume", "per_unit"), strict=True):
        meters[name] = {"unit": "unit", "price": price(dice, model, UNITS)}
    if number > 1 and dice.random() < 0.2:
        del meters[dice.choice(("call", "game", "film"))]
    contract = {"customer_id": "bob", "discount_percent": dice.choice(("0", "12.5", "33.3"))}
    if dice.random() < 0.5:
        contract["prices"] = {"bulk": price(dice, "volume", UNITS), "ride": price(dice, "volume", SECONDS)}
    return {
        "version": number,
        "effective_from": format_instant(effective_ms),
        "meters": meters,
        "promotions": [_promotion(dice, number, meters) for number in range(dice.randrange(4))],
        "contracts": [contract] if dice.random() < 0.5 else [],
    }


def price(dice: Random, model: str, steps: Sequence[int]) -> dict[str, Any]:
    """Return a price of a model with some of the steps."""
    if model == "package":
        return {"model": model, "size": dice.choice(steps), "price": money(dice)}
    if model == "per_unit":
        return {"model": model, "unit_price": money(dice), "per": dice.choice((1, 60, 7))}
    bounds = sorted(dice.sample(steps, dice.randrange(2, 5)))
    tiers = [{"up_to": bound, "unit_price": money(dice)} for bound in bounds] + [{"unit_price": money(dice)}]
    if model == "graduated":
        tiers[-1]["flat_fee"] = money(dice)
    return {"model": model, "tiers": tiers}


def _promotion(dice: Random, number: int, sold: Container[str]) -> dict[str, Any]:
    named = dice.choice((("call", "ride", "flat"), ("ride", "film", "bulk")))
    meters = dice.choice((["*"], [name for name in named if name in sold]))
    if dice.random() < 0.5:
        return {"id": f"p{number}", "kind": "free_units", "meters": meters, "units": dice.choice((5, 60, 500))}
    one = {"id": f"p{number}", "kind": "percent_off", "meters": meters, "percent": dice.choice(("10", "33.3", "100"))}
    begin, end = dice.sample(("00:00", "06:00", "17:30", "22:00"), 2)
    return one | ({"daily": {"from": begin, "to": end}} if dice.random() < 0.7 else {})


def money(dice: Random, least: int = 0) -> str:
    """Return an amount of up to three units more than the least."""
    return f"{least + dice.randrange(3)}.{dice.randrange(10000):04d}"


def _text(since_start_ms: int) -> str:
    return format_instant(START_MS + since_start_ms)
