"""What a shadow made of the same events beside what the job made of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest
from kafka import TopicPartition
from pydantic import ValidationError

from billing.money import parse_picos
from flink_jobs.settings import USAGE_GROUP, RatingSettings, of_shadow
from flink_jobs.topics import DEAD_LETTERS, PRICE_BOOKS, RECORDS, USAGE_EVENTS
from tollgate import shadows
from tollgate.commands import stack
from tollgate.context import Context
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.what_if.difference import LineKey
from tollgate.what_if.shadow import Span, compare, unequal
from wire.v1 import billing_pb2, common_pb2

SMS = LineKey("acme", "sms", "USD")


def record(offset: int, amount: str, quantity: int = 1, meter: str = "sms", partition: int = 0) -> bytes:
    """Return a record of acme for the event at an offset."""
    return billing_pb2.BillingRecord(
        customer_id="acme", meter=meter, currency="USD", amount=amount, quantity=quantity, event_time_ms=1000 + offset,
        source=common_pb2.SourcePosition(topic=USAGE_EVENTS, partition=partition, offset=offset),
    ).SerializeToString()  # fmt: skip


def letter(offset: int, topic: str = USAGE_EVENTS) -> bytes:
    """Return the dead letter of what lies at an offset."""
    return billing_pb2.DeadLetter(
        source=common_pb2.SourcePosition(topic=topic, partition=0, offset=offset),
        reason=billing_pb2.DeadLetter.UNKNOWN_METER, detail="no meter",
    ).SerializeToString()  # fmt: skip


@dataclass
class Log:
    """Topics in memory; both groups have committed `reached` of partition 0."""

    topics: dict[str, list[bytes]] = field(default_factory=dict)
    reached: tuple[int, int] = (100, 100)

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        assert group in {USAGE_GROUP, "shadow.x.tollgate-usage-rating"}
        return {TopicPartition(USAGE_EVENTS, 0): self.reached[group != USAGE_GROUP]}

    def ends(self, topic: str, *, committed: bool) -> dict[TopicPartition, int]:
        assert committed in {True, False}
        return {TopicPartition(topic, 0): 5}

    def read_since(self, topic: str, timestamp_ms: int) -> Iterator[LogRecord]:
        assert timestamp_ms == 77
        yield from self.read(topic)

    def read(self, topic: str) -> Iterator[LogRecord]:
        for offset, value in enumerate(self.topics.get(topic, [])):
            yield LogRecord(topic, 0, offset, 0, None, value)


def compared(log: Log, begin: Mapping[int, int] = {0: 10}) -> Any:
    return compare(cast("Any", log), "x", begin, 77)


def shadow_of(topic: str) -> str:
    return of_shadow("x", topic)


def test_amounts_of_the_same_events_are_set_side_by_side() -> None:
    log = Log({RECORDS: [record(10, "1"), record(11, "2")], shadow_of(RECORDS): [record(10, "1.5"), record(11, "2")]})
    found = compared(log)
    line = found.lines[SMS]
    assert (line.before_picos, line.after_picos) == (parse_picos("3"), parse_picos("3.5"))
    assert (line.before_units, line.after_units) == (2, 2)
    assert [key for key, _ in unequal(found)] == [SMS]
    assert found.events == 2


def test_what_one_side_alone_has_reached_or_that_lies_before_the_fork_does_not_count() -> None:
    log = Log(
        {RECORDS: [record(9, "1"), record(10, "1"), record(20, "1"), record(30, "1", partition=1)],
         shadow_of(RECORDS): [record(10, "1")]},
        reached=(21, 20),
    )  # fmt: skip
    found = compared(log)
    assert found.lines[SMS].before_units == 1
    assert list(unequal(found)) == []


def test_units_that_differ_are_a_difference_even_at_no_price() -> None:
    log = Log({RECORDS: [record(10, "0", 5)], shadow_of(RECORDS): [record(10, "0", 6)]})
    assert len(list(unequal(compared(log)))) == 1


def test_events_that_one_side_refused_are_named_with_the_reason() -> None:
    log = Log({
        RECORDS: [record(10, "1")], shadow_of(DEAD_LETTERS): [letter(10), letter(11)],
        DEAD_LETTERS: [letter(12), letter(11), letter(13, PRICE_BOOKS)], shadow_of(RECORDS): [record(12, "4", 2)],
    })  # fmt: skip
    found = compared(log)
    ((lost, what),) = found.no_longer_rated.items()
    assert (lost.meter, lost.reason, what.events, what.detail) == ("sms", "UNKNOWN_METER", 1, "no meter")
    ((_, what),) = found.newly_rated.items()
    assert (what.events, what.units, what.picos) == (1, 2, parse_picos("4"))
    assert found.rated_by_neither == {"UNKNOWN_METER": 1}
    assert found.events == 3


def test_a_span_counts_what_lies_in_it() -> None:
    assert Span({0: 5, 1: 7}, {0: 9, 1: 6}).events == 4


def test_a_shadow_shares_the_input_and_no_name_that_it_writes_under() -> None:
    settings = RatingSettings(bootstrap_servers="kafka:1", shadow="x", price_books_topic="shadow.x.pricing.books")
    assert settings.own(RECORDS) == "shadow.x.billing.records"
    assert settings.own(settings.transactional_id_prefix) == "shadow.x.tollgate-usage-rating"
    assert settings.price_topics == ("shadow.x.pricing.books", "pricing.contracts")
    plain = RatingSettings(bootstrap_servers="kafka:1")
    assert (plain.own(RECORDS), plain.price_topics) == (RECORDS, ("pricing.books", "pricing.contracts"))


@pytest.mark.parametrize("name", ["a b", "a.b", "-a", "A", "a" * 41])
def test_names_that_topics_cannot_bear_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="shadow"):
        RatingSettings(bootstrap_servers="kafka:1", shadow=name)


def below(home: Path) -> Context:
    """Return the surroundings of a stack at a home, with what is to be lost if a shadow's name is none."""
    (home / "kafka").mkdir()
    (home / "shadows" / "x").mkdir(parents=True)
    parts = SimpleNamespace(
        layout=SimpleNamespace(home=home), status=lambda: SimpleNamespace(flink_address=""), down=lambda: None
    )
    return cast("Context", cast("Any", SimpleNamespace(stack=parts, report=print)))


@pytest.mark.parametrize("name", ["", ".", "..", "../shadows/x", "X"])
def test_what_is_no_name_leads_to_no_home(tmp_path: Path, name: str) -> None:
    """`..` from below `shadows` is the home of the stack: all of it would go with the shadow."""
    context = below(tmp_path)
    for command in (
        lambda: shadows.stop_shadow(context, name),
        lambda: shadows.start_shadow(context, name, []),
        lambda: shadows.read_shadow(context, name),
    ):
        with pytest.raises(StackError, match="is no name of a shadow") as refused:
            command()
        assert refused.value.exit_code == EXIT_UNUSABLE
    assert sorted(one.name for one in tmp_path.iterdir()) == ["kafka", "shadows"]


def test_a_shadow_that_was_started_by_half_goes_with_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a home and perhaps processes, and no note yet that it was started."""
    context = below(tmp_path)
    assert shadows.running_shadows(context) == []
    stopped: list[str] = []
    monkeypatch.setattr(stack, "stop_shadow", lambda _, name: stopped.append(name))
    stack.bring_down(context)
    assert stopped == ["x"]


class Taking:
    """Takes the place of a producer."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    def send(self, topic: str, *, value: bytes, **_: Any) -> None:
        self.sent.append((topic, value))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


@pytest.mark.parametrize(("offsets", "refused"), [((0, 1), False), ((0, 2), True)])
def test_books_are_copied_at_their_own_offsets_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, offsets: tuple[int, ...], *, refused: bool
) -> None:
    """The state that the shadow starts from knows books by their offsets."""
    producer = Taking()
    log = SimpleNamespace(
        create_topics=lambda *_: None,
        read=lambda _: [LogRecord(PRICE_BOOKS, 0, one, 0, b"k", b"book") for one in offsets],
        producer=lambda: producer,
    )
    draft = SimpleNamespace(key="standard@9", message=b"draft", file=Path("draft.yaml"))
    monkeypatch.setattr(shadows, "accept", lambda _, drafts, __: drafts)
    context = cast("Context", cast("Any", SimpleNamespace(log=log, report=print)))
    if refused:
        with pytest.raises(StackError, match=r"pricing\.books has gaps"):
            shadows.fork_books(context, "x", cast("Any", [draft]))
        return
    shadows.fork_books(context, "x", cast("Any", [draft]))
    assert producer.sent == [(shadow_of(PRICE_BOOKS), one) for one in (b"book", b"book", b"draft")]
