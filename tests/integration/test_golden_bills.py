"""The golden bills through a running job: all of them in one log, each in partitions and price books of its own.

A default book, the directory, sends every bill's customers to that bill's first book; but not those whom
one of the bill's own books sends to a book, for the directory's word would count first. Bills are looked at
in the order of their watermarks: when one has been compared, its partitions are moved out of the way.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from billing.instants import parse_instant
from billing.price_books.document import document_from_plain
from billing.validity import invalid_customer_id
from flink_jobs.settings import USAGE_RATING
from flink_jobs.topics import ALL, CONTRACTS, PRICE_BOOKS, SURGE, USAGE_EVENTS, Topic
from tests.engine import as_oracle_record, parse
from tests.golden.bill import Bill, Outcome, _lines, of_what_is_named
from tests.golden.conftest import HERE
from tests.integration.conftest import Tollgate, stack
from tests.oracle import rate_log as oracle_rate
from tollgate.audit.verify import verify
from tollgate.commands.produce import send_heartbeat
from tollgate.commands.records import read_records
from tollgate.commands.wait import behind, data_ends
from tollgate.jobs import JOBS
from tollgate.replaying import read_letters
from wire.price_books import to_contract_message, to_message
from wire.usage import decode_usage
from wire.v1 import billing_pb2, pricing_pb2, usage_pb2

SURGE_PATIENCE_MS = "600000"
"""Factors come as bills are moved out of the way: nothing may be charged without."""

RELEASE_SECONDS = 3.0
"""Two checkpoints: what waited is rated at once when its factor comes, and committed with the next."""

OUT_OF_THE_WAY_MS = parse_instant("2500-01-01T00:00:00Z")
DIRECTORY: Mapping[str, Any] = {
    "price_book": "directory",
    "version": "1",
    "effective_from": "1970-01-02T00:00:00Z",
    "currency": "USD",
    "dedup_horizon": "366d",  # no bill's book may ask for more than the first one did
    "meters": {"none": {"unit": "none", "price": {"model": "per_unit", "unit_price": "0"}}},
}


@dataclass(frozen=True)
class Placed:
    """A bill, the prefix of its names and its first partition."""

    name: str
    bill: Bill
    first_partition: int

    @property
    def prefix(self) -> str:
        return f"{self.name[:2]}."

    @property
    def customers(self) -> set[str]:
        events = (decode_usage(one.value) for log in self.bill.partitions.values() for one in log)
        return {event.customer_id for event in events if event is not None and event.customer_id}

    @property
    def in_directory(self) -> set[str]:
        """The customers whom none of the bill's own books sends to a book."""
        listed = (contract for book in self.bill.books for contract in book.get("contracts", ()))
        return self.customers - {contract["customer_id"] for contract in listed if "price_book" in contract}

    def book(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """Return one of the bill's books under names of its own."""
        contracts = [self._own(one, "customer_id", "price_book") for one in plain.get("contracts", ())]
        return self._own(plain, "price_book") | {"contracts": contracts}

    def _own(self, plain: Mapping[str, Any], *fields: str) -> dict[str, Any]:
        return dict(plain) | {name: self.prefix + plain[name] for name in fields if name in plain}

    def contract(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """Return one of the bill's published contracts, which must name a book or would lead to the directory."""
        named = plain.get("price_book", self.bill.books[0]["price_book"])
        return self._own(dict(plain) | {"price_book": named}, "customer_id", "price_book")

    def unprefixed(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return one of the bill's records in the bill's own names."""
        book, version = record["price_book"]
        customer = record["customer_id"].removeprefix(self.prefix)
        return dict(record) | {"customer_id": customer, "price_book": (book.removeprefix(self.prefix), version)}

    def watermark_ms(self) -> int:
        """Return how far event time comes in the bill."""
        clocks = oracle_rate(self.bill.partitions, self.bill.books, contracts=self.bill.contracts).final_clocks
        return min(clocks.values())


def goes_by_the_directory(bill: Bill) -> bool:
    """Tell whether a bill can share a log: it has a book, and the skew is 10 m."""
    return bool(bill.books) and all(book.get("max_future_skew", "10m") == "10m" for book in bill.books)


def place(paths: list[Path]) -> list[Placed]:
    """Give every bill its partitions."""
    placed: list[Placed] = []
    partition = 0
    for path in paths:
        bill = Bill.load(path)
        if goes_by_the_directory(bill):
            placed.append(Placed(path.stem, bill, partition))
            partition += max(bill.partitions) + 1
    return placed


@pytest.fixture(scope="module")
def placed() -> list[Placed]:
    return place(sorted((HERE / "bills").glob("*.yaml")))


@pytest.fixture(scope="module")
def outcomes(placed: list[Placed], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """What the running job made of every bill."""
    settings = {"TOLLGATE_JOBS": USAGE_RATING, "TOLLGATE_TASK_MANAGERS": "1", "TOLLGATE_PARALLELISM": "1"}
    settings |= {"TOLLGATE_SURGE_PATIENCE_MS": SURGE_PATIENCE_MS}
    with stack(tmp_path_factory.mktemp("bills"), **settings) as tollgate:
        partitions = placed[-1].first_partition + max(placed[-1].bill.partitions) + 1
        tollgate.context.stack.up()
        tollgate.context.log.create_topics([Topic(USAGE_EVENTS)], partitions)
        tollgate.context.log.create_topics([one for one in ALL if one.one_partition], 1)
        publish(tollgate, placed)
        tollgate.ok("up")
        for one in placed:
            send(tollgate, one)
        yield collect(tollgate, placed)
        report = verify(tollgate.context.log)
        assert report.passed, report.differences
        assert report.duplicates == sum(one.bill.expected.duplicates for one in placed)


def publish(tollgate: Tollgate, placed: list[Placed]) -> None:
    """Publish the directory and all books and contracts."""
    directory = [
        {"customer_id": one.prefix + customer, "price_book": one.prefix + one.bill.books[0]["price_book"]}
        for one in placed
        for customer in sorted(one.in_directory)
        if invalid_customer_id(one.prefix + customer) is None
    ]
    with tollgate.context.log.producer() as producer:
        own = [book for one in placed for book in map(one.book, one.bill.books)]
        for book in (dict(DIRECTORY) | {"contracts": directory}, *own):
            parse(book)
            value = to_message(document_from_plain(book)).SerializeToString()
            producer.send(PRICE_BOOKS, key=f"{book['price_book']}@{book['version']}".encode(), value=value, partition=0)
        for one in placed:
            for contract in map(one.contract, one.bill.contracts):
                value = to_contract_message(document_from_plain(contract)).SerializeToString()
                key = f"{contract['customer_id']}@{contract['effective_from']}".encode()
                producer.send(CONTRACTS, key=key, value=value, partition=0)


def send(tollgate: Tollgate, one: Placed) -> None:
    """Send a bill's events; where the partition that is seen first matters, one at a time."""
    ordered = "WRONG_PARTITION" in one.bill.expected.dead_letters.values()
    for number, log in sorted(one.bill.partitions.items()):
        with tollgate.context.log.producer(linger_ms=0) as producer:
            for record in log:
                value, customer = renamed(record.value, one.prefix)
                key = record.key
                if key is not None and customer and key == customer.encode():
                    key = one.prefix.encode() + key
                partition = one.first_partition + number
                producer.send(USAGE_EVENTS, key=key, value=value, partition=partition, timestamp_ms=record.timestamp_ms)
        if ordered:
            await_input(tollgate)


def renamed(value: bytes, prefix: str) -> tuple[bytes, str]:
    """Return an event with the customer's name in the bill's own space, and the name that it had."""
    if decode_usage(value) is None:
        return value, ""
    event = usage_pb2.UsageEvent.FromString(value)
    customer = event.customer_id
    if customer:
        event.customer_id = prefix + customer
    return event.SerializeToString(), customer


def collect(tollgate: Tollgate, placed: list[Placed]) -> dict[str, Outcome]:
    """Look at the bills in the order of their watermarks, moving each out of the way afterwards."""
    by_watermark: dict[int, list[Placed]] = defaultdict(list)
    for one in placed:
        by_watermark[one.watermark_ms()].append(one)
    found: dict[str, Outcome] = {}
    for watermark_ms in sorted(by_watermark):
        await_input(tollgate)
        due = by_watermark[watermark_ms]
        if any(one.bill.is_surging for one in due):
            await_release(tollgate, watermark_ms)
        records = [as_oracle_record(record) for record in read_records(tollgate.context.log)]
        letters = [one.message for one in read_letters(tollgate.context.log)]
        for one in due:
            found[one.name] = outcome_of(one, records, letters)
            move_away(tollgate, one)
    return found


def await_input(tollgate: Tollgate) -> None:
    """Wait until the rating has committed its input and output; bills with surge are left waiting for their turn."""
    log, deadline = tollgate.context.log, time.monotonic() + 60
    spec = JOBS[USAGE_RATING]
    for topic, group in spec.inputs:
        targets = data_ends(log, topic, log.group_offsets(group))
        while behind(targets, log.group_offsets(group)):
            assert time.monotonic() < deadline, f"{topic} is not read to its end"
            time.sleep(0.25)
    for topic in spec.outputs:
        targets = log.ends(topic, committed=False)
        while behind(targets, log.ends(topic, committed=True)):
            assert time.monotonic() < deadline, f"{topic} is not committed"
            time.sleep(0.25)


def await_release(tollgate: Tollgate, watermark_ms: int) -> None:
    """Wait until factors are published through a watermark, and what waited for them is committed after it."""
    deadline = time.monotonic() + 60
    published = (pricing_pb2.SurgeRate.FromString(one.value) for one in tollgate.context.log.read(SURGE))
    while max((mark.watermark_ms for mark in published), default=0) < watermark_ms:
        assert time.monotonic() < deadline, f"no factors through {watermark_ms}"
        time.sleep(0.5)
        published = (pricing_pb2.SurgeRate.FromString(one.value) for one in tollgate.context.log.read(SURGE))
    time.sleep(RELEASE_SECONDS)


def outcome_of(one: Placed, records: list[dict[str, Any]], letters: list[billing_pb2.DeadLetter]) -> Outcome:
    """Return what became of a bill, in its own words."""
    own = [one.unprefixed(record) for record in records if record["customer_id"].startswith(one.prefix)]
    last = one.first_partition + max(one.bill.partitions)
    name_of = billing_pb2.DeadLetter.Reason.Name
    reasons = {
        f"{letter.source.partition - one.first_partition}/{letter.source.offset}": name_of(letter.reason)
        for letter in letters
        if letter.source.topic == USAGE_EVENTS and one.first_partition <= letter.source.partition <= last
    }
    return Outcome(_lines(own), reasons, one.bill.expected.duplicates)


def move_away(tollgate: Tollgate, one: Placed) -> None:
    """Let time pass in a bill's partitions, so that it holds the watermark back no longer."""
    with tollgate.context.log.producer(linger_ms=0) as producer:
        for number in range(max(one.bill.partitions) + 1):
            send_heartbeat(producer, USAGE_EVENTS, one.first_partition + number, OUT_OF_THE_WAY_MS, OUT_OF_THE_WAY_MS)


BILLS = [path for path in sorted((HERE / "bills").glob("*.yaml")) if goes_by_the_directory(Bill.load(path))]


ROWS = {
    10: ("08_", "35_", "36_"),
    11: ("04_", "05_", "37_", "38_", "39_"),
    13: ("06_", "09_", "19_", "30_", "31_"),
    14: ("02_", "13_", "22_", "75_"),
    19: ("40_", "41_"),
}
"""Of the fault table, the bills that show one, by the beginning of their names."""


def by_row(path: Path) -> pytest.ParameterSet:
    rows = [row for row, names in ROWS.items() if path.name.startswith(names)]
    return pytest.param(path, id=path.stem, marks=[pytest.mark.row(*rows)] if rows else [])


@pytest.mark.parametrize("path", [by_row(one) for one in BILLS])
def test_the_running_job_arrives_at_the_bill(path: Path, outcomes: dict[str, Outcome]) -> None:
    expected = Bill.load(path).expected
    assert of_what_is_named(outcomes[path.stem], expected) == expected
