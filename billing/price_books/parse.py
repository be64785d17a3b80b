"""A price book's tree to its model, or every error in it (contract section 4)."""

from billing.calendar import PERIODS, Calendar, load_zone
from billing.currencies import parse_currency
from billing.durations import format_duration, parse_duration
from billing.instants import parse_instant
from billing.price_books.document import BookError, Errors, Node, entries_at, items_at
from billing.price_books.fields import Fields, suggestion
from billing.price_books.model import LatePolicy, PriceBook
from billing.price_books.parse_contracts import parse_contracts
from billing.price_books.parse_meters import check_meters_exist, parse_meters
from billing.price_books.parse_plans import parse_plans
from billing.price_books.parse_promotions import parse_promotions
from billing.price_books.parse_surge import parse_surge
from billing.price_books.readers import identifier, positive_whole

DEFAULT_ALLOWED_LATENESS_MS = parse_duration("3h")
DEFAULT_DEDUP_HORIZON_MS = parse_duration("35d")
DEFAULT_MAX_FUTURE_SKEW_MS = parse_duration("10m")
MAX_VERSION = 2**32 - 1

BOOK_FIELDS = (
    "price_book",
    "version",
    "effective_from",
    "currency",
    "cycle",
    "allowed_lateness",
    "late_policy",
    "dedup_horizon",
    "max_future_skew",
    "meters",
    "surge",
    "promotions",
    "plans",
    "contracts",
)


def parse_price_book(node: Node) -> PriceBook | list[BookError]:
    """Read a whole price book; with any error, all errors by line and no book."""
    errors = Errors()
    book = _parse_book(Fields(node, errors, BOOK_FIELDS))
    if book is None or errors.found:
        return errors.by_line()
    return book


def _parse_book(fields: Fields) -> PriceBook | None:
    book_id = fields.required("price_book", identifier)
    version = fields.required("version", _version)
    effective_from_ms = fields.required("effective_from", parse_instant)
    currency = fields.required("currency", parse_currency)
    calendar = _parse_calendar(fields)
    lateness_ms, horizon_ms = _parse_time_limits(fields)
    late_policy = fields.default("late_policy", _late_policy, LatePolicy.CORRECT)
    skew_ms = fields.default("max_future_skew", parse_duration, DEFAULT_MAX_FUTURE_SKEW_MS)
    plans = parse_plans(fields)
    meters = parse_meters(fields, required=not entries_at(fields.node, "plans"))
    surge = parse_surge(fields)
    promotions = parse_promotions(fields, calendar)
    contracts = parse_contracts(fields, book_id)
    _check_references(fields)
    if book_id is None or version is None or effective_from_ms is None or currency is None:
        return None
    return PriceBook(
        id=book_id,
        version=version,
        effective_from_ms=effective_from_ms,
        currency=currency,
        calendar=calendar,
        allowed_lateness_ms=lateness_ms,
        late_policy=late_policy,
        dedup_horizon_ms=horizon_ms,
        max_future_skew_ms=skew_ms,
        meters=meters,
        surge=surge,
        promotions=promotions,
        plans=plans,
        contracts=contracts,
    )


def _version(text: str) -> int:
    value = positive_whole(text)
    if value > MAX_VERSION:
        raise ValueError(f"{text} is too large: the last version is {MAX_VERSION}")
    return value


def _late_policy(text: str) -> LatePolicy:
    try:
        return LatePolicy(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a late policy: {suggestion(text, list(LatePolicy))}") from None


def _parse_calendar(parent: Fields) -> Calendar:
    node = parent.child("cycle")
    if node is None:
        return Calendar()
    fields = Fields(node, parent.errors, ("period", "timezone"))
    period = fields.default("period", _period, PERIODS[0])
    return Calendar(period, fields.default("timezone", _timezone, "UTC"))


def _period(text: str) -> str:
    if text not in PERIODS:
        raise ValueError(f"{text!r} is not a period of billing: the only one is month")
    return text


def _timezone(text: str) -> str:
    load_zone(text)
    return text


def _parse_time_limits(fields: Fields) -> tuple[int, int]:
    """Return allowed lateness and dedup horizon; an event may not be late and forgotten at once."""
    before = len(fields.errors.found)
    lateness_ms = fields.default("allowed_lateness", parse_duration, DEFAULT_ALLOWED_LATENESS_MS)
    horizon_ms = fields.default("dedup_horizon", parse_duration, DEFAULT_DEDUP_HORIZON_MS)
    if horizon_ms < lateness_ms and len(fields.errors.found) == before:
        at = "dedup_horizon" if fields.has("dedup_horizon") else "allowed_lateness"
        fields.errors.add(
            fields.node_of(at),
            f"dedup_horizon {format_duration(horizon_ms)} is shorter than allowed_lateness "
            f"{format_duration(lateness_ms)}, so a late duplicate would be billed twice",
            f"set dedup_horizon to {format_duration(lateness_ms)} or more",
        )
    return lateness_ms, horizon_ms


def _check_references(fields: Fields) -> None:
    """Check that promotions and surge rules name meters of this book."""
    known = entries_at(fields.node, "meters")
    for name, wildcard in (("promotions", True), ("surge", False)):
        for rule in items_at(fields.node, name):
            check_meters_exist(rule, known, fields.errors, wildcard=wildcard)
