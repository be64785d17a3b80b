"""The golden subscriptions through the running jobs: all in one log, each in partitions and books of its own.

A default book, the directory, sends each file's customer to the file's first book. When all has been sent, time
passes everywhere; so every cycle that a file names is closed, and alerts may be more than it says.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from billing.instants import parse_instant
from billing.money import format_picos, parse_picos
from billing.price_books.document import document_from_plain
from flink_jobs.settings import INVOICING_JOB, SUBSCRIPTIONS_JOB, USAGE_RATING
from flink_jobs.topics import (
    ALERTS,
    ALL,
    CHARGES,
    CONTRACTS,
    INVOICES,
    PRICE_BOOKS,
    SUBSCRIPTION_EVENTS,
    USAGE_EVENTS,
    Topic,
)
from tests.engine import parse
from tests.golden.conftest import HERE
from tests.golden.subscription_bill import Scenario, of_what_is_named, told
from tests.integration.conftest import Tollgate, stack
from tests.unit.subscriptions.desk import timeline
from tollgate.commands.produce import send_heartbeat
from tollgate.replaying import read_letters
from wire.charges import charge_from
from wire.price_books import to_contract_message, to_message
from wire.v1 import billing_pb2, subscription_pb2, usage_pb2

FILES = sorted((HERE / "subscriptions").glob("*.yaml"))
END_MS = parse_instant("2028-04-01T03:00:00Z")
DIRECTORY: Mapping[str, Any] = {
    "price_book": "directory",
    "version": "1",
    "effective_from": "1970-01-02T00:00:00Z",
    "currency": "USD",
    "meters": {"none": {"unit": "none", "price": {"model": "per_unit", "unit_price": "0"}}},
}


@dataclass(frozen=True)
class Placed:
    """A file, and its first partition in both topics of events."""

    name: str
    scenario: Scenario
    first_partition: int

    @property
    def prefix(self) -> str:
        return f"{self.name[:2]}."

    @property
    def customer(self) -> str:
        return f"{self.prefix}zoe"

    def own(self, plain: Mapping[str, Any], *fields: str) -> dict[str, Any]:
        """Return a part of a book under names of the file's own."""
        return dict(plain) | {name: self.prefix + plain[name] for name in fields if name in plain}

    def books(self) -> Iterator[dict[str, Any]]:
        for plain in self.scenario.raw["books"]:
            contracts = [self.own(one, "customer_id", "price_book") for one in plain.get("contracts", ())]
            yield self.own(plain, "price_book") | ({"contracts": contracts} if contracts else {})

    def contracts(self) -> Iterator[dict[str, Any]]:
        for plain in self.scenario.raw.get("contracts", ()):
            named = {"price_book": self.scenario.raw["books"][0]["price_book"]}
            yield self.own(named | dict(plain), "customer_id", "price_book")

    def means(self, wanted: Mapping[str, Any], found: billing_pb2.Invoice) -> bool:
        """Tell whether a document is the invoice that the file names."""
        book = found.price_book.removeprefix(self.prefix)
        return not found.day and (found.cycle, book) == (wanted["cycle"], wanted.get("book", book))

    @property
    def taxes(self) -> list[dict[str, str]]:
        return [dict(one) | {"customer": self.customer} for one in self.scenario.raw.get("tax", ())]


def place() -> list[Placed]:
    placed: list[Placed] = []
    partition = 0
    for path in FILES:
        scenario = Scenario.load(path)
        placed.append(Placed(path.stem, scenario, partition))
        partition += max(scenario.partitions) + 1
    return placed


PLACED = place()
PARTITIONS = PLACED[-1].first_partition + max(PLACED[-1].scenario.partitions) + 1


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollgate]:
    """The stack after all files have been through it."""
    settings = {
        "TOLLGATE_JOBS": f"{USAGE_RATING},{SUBSCRIPTIONS_JOB},{INVOICING_JOB}",
        "TOLLGATE_TASK_MANAGERS": "1",
        "TOLLGATE_PARALLELISM": "1",
        "TOLLGATE_TAX_RATES": json.dumps([tax for one in PLACED for tax in one.taxes]),
    }
    with stack(tmp_path_factory.mktemp("golden-subscriptions"), **settings) as tollgate:
        tollgate.context.stack.up()
        tollgate.context.log.create_topics([Topic(USAGE_EVENTS), Topic(SUBSCRIPTION_EVENTS)], PARTITIONS)
        tollgate.context.log.create_topics([one for one in ALL if one.one_partition], 1)
        publish(tollgate)
        tollgate.ok("up")
        for number in range(2):  # a file's second partition after its first: the first one seen is the customer's
            send(tollgate, number)
            tollgate.ok("wait")
        let_time_pass(tollgate)
        tollgate.ok("wait")
        yield tollgate


def publish(tollgate: Tollgate) -> None:
    """Publish the directory, and all books and contracts."""
    directory = [
        {"customer_id": one.customer, "price_book": one.prefix + one.scenario.raw["books"][0]["price_book"]}
        for one in PLACED
    ]
    books = [dict(DIRECTORY) | {"contracts": directory}, *(book for one in PLACED for book in one.books())]
    with tollgate.context.log.producer() as producer:
        for book in books:
            parse(book)
            value = to_message(document_from_plain(book)).SerializeToString()
            producer.send(PRICE_BOOKS, key=f"{book['price_book']}@{book['version']}".encode(), value=value, partition=0)
        for contract in (contract for one in PLACED for contract in one.contracts()):
            value = to_contract_message(document_from_plain(contract)).SerializeToString()
            key = f"{contract['customer_id']}@{contract['effective_from']}".encode()
            producer.send(CONTRACTS, key=key, value=value, partition=0)


def send(tollgate: Tollgate, number: int) -> None:
    """Send each file's events of one partition, and with the first its usage."""
    with tollgate.context.log.producer(linger_ms=0) as producer:
        for one in PLACED:
            logs = [(SUBSCRIPTION_EVENTS, subscription_pb2.SubscriptionEvent, one.scenario.partitions.get(number, []))]
            if number == 0:
                logs.append((USAGE_EVENTS, usage_pb2.UsageEvent, one.scenario.usage_log))
            for topic, kind, log in logs:
                for record in log:
                    event = kind.FromString(record.value)
                    if event.customer_id:
                        event.customer_id = one.prefix + event.customer_id
                    key = event.customer_id.encode() or None
                    producer.send(
                        topic, key=key, value=event.SerializeToString(), partition=one.first_partition + number,
                        timestamp_ms=record.timestamp_ms,
                    )  # fmt: skip


def let_time_pass(tollgate: Tollgate) -> None:
    with tollgate.context.log.producer(linger_ms=0) as producer:
        for topic in (USAGE_EVENTS, SUBSCRIPTION_EVENTS):
            for number in range(PARTITIONS):
                send_heartbeat(producer, topic, number, END_MS, END_MS)


def documents(tollgate: Tollgate, customer: str) -> list[billing_pb2.Invoice]:
    found = (billing_pb2.Invoice.FromString(one.value) for one in tollgate.context.log.read(INVOICES))
    return [one for one in found if one.customer_id == customer]


def outcome(tollgate: Tollgate, one: Placed, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of a file's events, in its words; of invoices and days those that it names."""
    log, reasons = tollgate.context.log, billing_pb2.DeadLetter.Reason
    charges = (subscription_pb2.Charge.FromString(found.value) for found in log.read(CHARGES))
    letters = [letter.message for letter in read_letters(log) if letter.message.customer_id == one.customer]
    made = documents(tollgate, one.customer)
    named = [next(told(found) for found in made if one.means(wanted, found)) for wanted in expected["invoices"]]
    return {
        "charges": timeline([charge_from(charge) for charge in charges if charge.customer_id == one.customer]),
        "dead_letters": {letter.event_id: reasons.Name(letter.reason) for letter in letters},
        "invoices": named,
        "days": {found.day: exact(found) for found in made if found.day},
    }


def exact(bill: billing_pb2.Invoice) -> str:
    return format_picos(sum(parse_picos(line.exact_amount) for line in bill.lines))


@pytest.mark.parametrize("one", PLACED, ids=lambda one: one.name)
def test_the_running_jobs_arrive_at_the_charges_and_invoices(one: Placed, ran: Tollgate) -> None:
    expected = one.scenario.expected()
    unseen = ("duplicates", "held", "alerts")
    shown = {name: value for name, value in expected.items() if name not in unseen}
    assert of_what_is_named(outcome(ran, one, expected), shown) == shown
    alerts = [billing_pb2.Alert.FromString(found.value) for found in ran.context.log.read(ALERTS)]
    told_of = {alert.detail for alert in alerts if alert.customer_id == one.customer}
    assert told_of >= set(expected["alerts"])


def test_all_of_it_is_verified_and_no_event_is_unaccounted_for(ran: Tollgate) -> None:
    report = ran.json("verify", "--json")
    assert report["passed"], report
    expected = [one.scenario.expected() for one in PLACED]
    for name in ("duplicates", "held"):
        assert report["subscriptions"][name] == sum(int(one[name]) for one in expected)
