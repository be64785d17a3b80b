"""Verification against a Kafka cluster: what to read, in which order, with progress."""

from collections.abc import Callable

from flink_jobs.topics import CONTRACTS, DEAD_LETTERS, PRICE_BOOKS, RECORDS, SESSIONS, USAGE_EVENTS
from tollgate.audit.balances import BalanceFold, compare_balances
from tollgate.audit.compare import Comparison, Report
from tollgate.audit.ledger import Ledger, Readings
from tollgate.audit.open_sessions import compare_said, compare_shown
from tollgate.audit.prices import PriceHistory
from tollgate.audit.recompute import Recomputation
from tollgate.balance_store import BalanceStore
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError

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
    fold.add_open(log.read(SESSIONS))
    recomputation = Recomputation(prices, Readings(ledger.read, prices.latest()), ledger.home)
    comparison = Comparison(USAGE_EVENTS, ledger, recomputation, committed)
    parts = log.partitions(USAGE_EVENTS)
    for part in parts:
        progress(f"recomputing {USAGE_EVENTS} partition {part.partition}")
        comparison.partition(part.partition, log.read(USAGE_EVENTS, partitions=[part.partition]))
    comparison.settle()
    if ledger.leftover():
        progress("looking ahead of the offsets that the job has reported")
        for part in parts:
            start = {part: comparison.stops[part.partition]}
            comparison.ahead(log.read(USAGE_EVENTS, partitions=[part.partition], start=start))
        comparison.ahead_of_time()
    report = comparison.finish()
    for text in compare_said(fold.open, recomputation.states):
        report.differ(text)
    if balances is not None:
        progress(f"comparing the balances of {len(fold.balances):,} customers")
        try:
            found = compare_balances(fold, balances, lambda: fold.read_on(log))
            found.differences += compare_shown(fold.open, balances)
        except StackError as error:  # the books of the log stand or fall without it
            report.differ(error.cause)
        else:
            report.balances = found.customers
            for text in found.differences:
                report.differ(text)
    return report
