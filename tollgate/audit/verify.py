"""Verification against a Kafka cluster: what to read, in which order, with progress."""

from collections.abc import Callable

from flink_jobs.topics import CONTRACTS, DEAD_LETTERS, PRICE_BOOKS, RECORDS, USAGE_EVENTS
from tollgate.audit.balances import BalanceFold, compare_balances
from tollgate.audit.compare import Comparison, Report
from tollgate.audit.ledger import Ledger, Position
from tollgate.audit.prices import PriceHistory
from tollgate.audit.recompute import Recomputation
from tollgate.balance_store import BalanceStore
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

USAGE_GROUP = "tollgate-usage-rating"
"""The consumer group under which the rating job says how far it has committed its input."""


def verify(
    log: KafkaLog,
    *,
    records_topic: str = RECORDS,
    default_price_book: str = "",
    balances: BalanceStore | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Recompute every committed record from the topics, compare Redis with them, return what was found."""
    committed = {part.partition: offset for part, offset in log.group_offsets(USAGE_GROUP).items()}
    prices = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), default_price_book)
    ledger = Ledger()
    progress("reading committed records")
    fold = BalanceFold()
    ledger.add_records(fold.add(log.read(records_topic)))
    ledger.add_letters(log.read(DEAD_LETTERS), USAGE_EVENTS)
    recomputation = Recomputation(prices, _read_so_far(ledger, prices), ledger.home)
    comparison = Comparison(USAGE_EVENTS, ledger, recomputation, committed)
    for part in log.partitions(USAGE_EVENTS):
        progress(f"recomputing {USAGE_EVENTS} partition {part.partition}")
        comparison.partition(part.partition, log.read(USAGE_EVENTS, partitions=[part.partition]))
    report = comparison.finish()
    if balances is not None:
        progress(f"comparing the balances of {len(fold.balances):,} customers")
        try:
            found = compare_balances(fold, balances)
        except StackError as error:  # the books of the log stand or fall without it
            report.differ(error.cause)
        else:
            report.balances = found.customers
            for text in found.differences:
                report.differ(text)
    return report


def _read_so_far(ledger: Ledger, prices: PriceHistory) -> Callable[[Position], ReadSoFar]:
    """Return how far the topics of prices had been read when a position was decided.

    An event says so in its output; one without output (a duplicate, a heartbeat) was decided after
    the last before it that has one, and before the next. What stands before a partition's first
    output goes by that one: so it is not judged by books that came later.
    """
    latest = {position[0]: _said_by_output(ledger, position) for position in ledger.first_outputs()}
    everything = prices.latest()

    def read_so_far(position: Position) -> ReadSoFar:
        said = _said_by_output(ledger, position) or latest.get(position[0]) or everything
        latest[position[0]] = said
        return said

    return read_so_far


def _said_by_output(ledger: Ledger, position: Position) -> ReadSoFar | None:
    for found, kind in ((ledger.records, billing_pb2.BillingRecord), (ledger.letters, billing_pb2.DeadLetter)):
        values = found.get(position)
        if values:
            message = kind.FromString(values[0])
            return ReadSoFar(message.books_offset, message.contracts_offset)
    return None
