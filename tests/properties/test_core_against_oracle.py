"""Random price books and traffic: the job's rating code agrees with the independent oracle to the last field."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests import engine
from tests.oracle import LogRecord
from tests.oracle import rate_log as oracle_rate
from wire.frames import FramedRecord
from wire.v1 import usage_pb2

START_MS = 1_793_491_200_000  # 2026-11-01T00:00:00Z
HOUR_MS = 3_600_000
METERS = ("flat", "stairs", "packs", "shares", "bulk")
SESSION_METERS = ("talk", "conference")
SESSIONS = ("s0", "s1", "s2")
SESSION_STARTS = (START_MS + 40 * HOUR_MS, START_MS + 24 * 30 * HOUR_MS)  # the second over the end of the month
CUSTOMERS = ("ada", "bob", "acme/eve")

decimals = st.builds(lambda whole, places: f"{whole}.{places:04d}", st.integers(0, 3), st.integers(0, 9999))
percents = st.sampled_from(("0", "10", "33.3", "12.5", "100"))
clocks = st.sampled_from(("00:00", "06:00", "17:30", "22:00"))
instants = st.integers(-24, 24 * 40).map(lambda hours: START_MS + hours * HOUR_MS)


def text_of(ms: int) -> str:
    """Return an instant as price books write it."""
    from billing.instants import format_instant

    return format_instant(ms)


@st.composite
def tiers(draw: st.DrawFn, *, fees: bool = True) -> list[dict[str, Any]]:
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=3)))
    fee = st.one_of(st.just({}), decimals.map(lambda text: {"flat_fee": text})) if fees else st.just({})
    found = [{"up_to": bound, "unit_price": draw(decimals)} | draw(fee) for bound in bounds]
    return [*found, {"unit_price": draw(decimals)} | draw(fee)]


@st.composite
def promotions(draw: st.DrawFn) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        meters = draw(st.sampled_from((["*"], ["stairs"], ["flat", "packs"], ["talk", "conference"])))
        if draw(st.booleans()):
            found.append(
                {"id": f"p{number}", "kind": "free_units", "meters": meters, "units": draw(st.integers(1, 40))}
            )
            continue
        one: dict[str, Any] = {"id": f"p{number}", "kind": "percent_off", "meters": meters, "percent": draw(percents)}
        begin, end = draw(clocks), draw(clocks)
        if begin != end and draw(st.booleans()):
            one["daily"] = {"from": begin, "to": end}
        since = draw(instants)
        if draw(st.booleans()):
            one |= {"from": text_of(since), "to": text_of(since + draw(st.integers(1, 300)) * HOUR_MS)}
        found.append(one)
    return found


@st.composite
def series(draw: st.DrawFn, book_id: str, currency: str, others: tuple[str, ...]) -> list[dict[str, Any]]:
    """Versions of one book; its contracts may name others."""
    terms = {
        "price_book": book_id,
        "currency": currency,
        "cycle": {"period": "month", "timezone": draw(st.sampled_from(("UTC", "Europe/Berlin", "America/Sao_Paulo")))},
        "allowed_lateness": draw(st.sampled_from(("0s", "3h", "2d"))),
        "late_policy": draw(st.sampled_from(("correct", "reject"))),
        "dedup_horizon": draw(st.sampled_from(("2d", "10d", "35d"))),
        "max_future_skew": "10m",
    }
    found = []
    for version in range(1, draw(st.integers(1, 3)) + 1):
        effective = START_MS - 40 * 24 * HOUR_MS if version == 1 else draw(instants)
        in_book = draw(st.lists(contracts(others), max_size=2, unique_by=lambda one: one["customer_id"]))
        found.append(
            terms
            | {"version": version, "effective_from": text_of(effective), "meters": draw(meters())}
            | {"promotions": draw(promotions()), "contracts": in_book}
        )
    return found


@st.composite
def meters(draw: st.DrawFn) -> dict[str, Any]:
    prices: dict[str, dict[str, Any]] = {
        "bulk": {"model": "volume", "tiers": draw(tiers(fees=False))},
        "flat": {"model": "per_unit", "unit_price": draw(decimals)},
        "stairs": {"model": "graduated", "tiers": draw(tiers())},
        "packs": {"model": "package", "size": draw(st.integers(1, 20)), "price": draw(decimals)},
        "shares": {"model": "per_unit", "unit_price": draw(decimals), "per": draw(st.integers(1, 90))},
    }
    found: dict[str, Any] = {name: {"unit": "u", "price": price} for name, price in prices.items()}
    for name in SESSION_METERS:
        found[name] = {"unit": "second", "price": draw(session_prices(name)), "session": draw(session_rules())}
    return found


def session_prices(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Conferences have a price by volume, talks one for each unit."""
    if name == "talk":
        return decimals.map(lambda price: {"model": "per_unit", "unit_price": price, "per": 60})
    return tiers(fees=False).map(lambda steps: {"model": "volume", "tiers": [a_hundredfold(one) for one in steps]})


def a_hundredfold(tier: dict[str, Any]) -> dict[str, Any]:
    """Move a tier's bound to where sessions are."""
    return tier | ({"up_to": tier["up_to"] * 100} if "up_to" in tier else {})


@st.composite
def session_rules(draw: st.DrawFn) -> dict[str, Any]:
    idle = st.sampled_from(("30m", "4h", "30h"))
    return {
        "minimum": draw(st.integers(1, 90)),
        "increment": draw(st.sampled_from((1, 60))),
        "idle_timeout": draw(idle),
    }


@st.composite
def contracts(draw: st.DrawFn, others: tuple[str, ...], *, alone: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"customer_id": draw(st.sampled_from(CUSTOMERS))}
    if alone or draw(st.booleans()):
        found["effective_from"] = text_of(draw(instants))
    if draw(st.booleans()):
        found["discount_percent"] = draw(percents)
    if draw(st.booleans()):
        found["prices"] = {"bulk": {"model": "volume", "tiers": draw(tiers(fees=False))}}
    named = draw(st.sampled_from(("", *others)))
    return found | ({"price_book": named} if named else {})


@st.composite
def books(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A default book, and at times another with a currency, a timezone and terms of its own."""
    first = draw(series("b", "USD", ("c", "never-published")))
    return first + (draw(series("c", "JPY", ("b",))) if draw(st.booleans()) else [])


@st.composite
def events(draw: st.DrawFn) -> tuple[bytes | None, bytes]:
    kind = draw(st.integers(0, 29))
    event_time_ms = draw(instants)
    if kind == 0:
        return None, usage_pb2.UsageEvent(heartbeat={}, event_time_ms=event_time_ms).SerializeToString()  # type: ignore[arg-type]
    if kind == 1:
        return b"ada", draw(st.binary(max_size=12))
    customer = draw(st.sampled_from(CUSTOMERS))
    event = usage_pb2.UsageEvent(
        event_id=draw(st.sampled_from([f"e{number}" for number in range(12)])),
        customer_id=customer,
        meter=draw(st.sampled_from((*METERS, *METERS, "unheard-of"))),
        quantity=draw(st.integers(0 if kind == 2 else 1, 50)),
        event_time_ms=event_time_ms,
        source=draw(st.sampled_from(("a", "b"))),
        replay=draw(st.booleans()),
    )
    if kind in (3, 4, 20, 21):
        event.retraction.event_id = draw(st.sampled_from([f"e{number}" for number in range(12)]))
        event.retraction.reason = draw(st.sampled_from(("", "refund")))
    if kind >= 22:
        draw(phases(event))
    key = b"somebody-else" if kind == 5 else customer.encode()
    return key, event.SerializeToString()


@st.composite
def phases(draw: st.DrawFn, event: usage_pb2.UsageEvent) -> None:
    """Make an event a phase of one of few sessions, mostly near one another in time, in any order."""
    event.session.session_id = draw(st.sampled_from(SESSIONS))
    event.session.phase = draw(st.sampled_from((1, 1, 1, 2, 2, 3, 3, 3, 0)))
    if draw(st.integers(0, 9)):
        event.meter = SESSION_METERS[SESSIONS.index(event.session.session_id) % 2]
        hours = draw(st.integers(-2, 6))
        event.event_time_ms = draw(st.sampled_from(SESSION_STARTS)) + hours * HOUR_MS + draw(st.integers(0, 99_999))


@st.composite
def logs(draw: st.DrawFn) -> dict[int, list[LogRecord]]:
    """Customers live in one partition each, apart from a misrouted event now and then."""
    partitions: dict[int, list[LogRecord]] = {0: [], 1: []}
    for key, value in draw(st.lists(events(), max_size=40)):
        number = hash_of(key) if draw(st.integers(0, 15)) else 1
        log = partitions[number]
        stamp_ms = START_MS + draw(st.integers(0, 24 * 45)) * HOUR_MS
        log.append(LogRecord(offset=len(log), timestamp_ms=stamp_ms, key=key, value=value))
    return partitions


def hash_of(key: bytes | None) -> int:
    """Return a stable partition."""
    return sum(key or b"") % 2


@st.composite
def cuts(draw: st.DrawFn) -> engine.Frames:
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))

    def cut(records: Sequence[FramedRecord]) -> Iterator[Sequence[FramedRecord]]:
        at = turn = 0
        while at < len(records):
            size = sizes[turn % len(sizes)]
            yield records[at : at + size]
            at, turn = at + size, turn + 1

    return cut


SHARES = 4
"""So many tests share the 10,000 cases, each with cases of its own, so that all cores have work."""

of_a_share = settings(
    max_examples=10_000 // SHARES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.timeout(1800)  # some minutes, and three times as long beside other work
@pytest.mark.parametrize("share", range(SHARES))
def test_records_dead_letters_and_duplicates_are_those_of_the_oracle(share: int) -> None:
    published = st.lists(contracts(("b", "c"), alone=True), max_size=3)
    seed(share)(of_a_share(given(logs(), books(), published, cuts())(agrees_with_the_oracle)))()


def agrees_with_the_oracle(
    partitions: dict[int, list[LogRecord]],
    plain: list[dict[str, Any]],
    agreed: list[dict[str, Any]],
    cut: engine.Frames,
) -> None:
    published = [engine.parse_agreed(contract) for contract in agreed]
    rated = engine.rate_log(partitions, [engine.parse(book) for book in plain], cut, published)
    expected = oracle_rate(partitions, plain, contracts=agreed)
    mine = engine.in_oracle_words(map(engine.as_oracle_record, rated.records), expected.records)
    assert mine == engine.by_sequence(expected.records)
    letters = sorted((one.source.partition, one.source.offset, one.reason) for one in rated.letters)
    reasons = {one[2] for one in expected.dead_letters}
    named = [(part, offset, engine.billing_pb2.DeadLetter.Reason.Name(reason)) for part, offset, reason in letters]
    assert named == sorted(expected.dead_letters), reasons
    assert rated.rater.counts["duplicates"] == len(expected.duplicates)
