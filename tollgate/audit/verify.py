"""Verification against a Kafka cluster: what to read, in which order, with progress."""

from collections.abc import Callable

from flink_jobs.topics import CONTRACTS, DEAD_LETTERS, PRICE_BOOKS, RECORDS, SESSIONS, SURGE, USAGE_EVENTS
from tollgate.audit.balances import BalanceFold, compare_balances
from tollgate.audit.compare import Comparison
from tollgate.audit.demand import DemandRecount
from tollgate.audit.factors import PublishedFactors
from tollgate.audit.late_outputs import CATCH_UP_SECONDS, LateOutputs
from tollgate.audit.ledger import Ledger, Readings
from tollgate.audit.open_sessions import compare_said, compare_shown
from tollgate.audit.prices import PriceHistory
from tollgate.audit.rates import RateComparison
from tollgate.audit.recompute import Recomputation
from tollgate.audit.report import Report
from tollgate.balance_store import BalanceStore
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError
from wire.v1 import pricing_pb2

USAGE_GROUP = "tollgate-usage-rating"
"""The consumer group under which the rating job says how far it has committed its input."""


def verify(  # noqa: PLR0913 - named, and all but the log have defaults
    log: KafkaLog,
    *,
    records_topic: str = RECORDS,
    default_price_book: str = "",
    balances: BalanceStore | None = None,
    catch_up_seconds: float = CATCH_UP_SECONDS,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Recompute every committed record from the topics, compare Redis with them, return what was found.

    An event that waited for a factor may be charged a checkpoint after its offset was committed:
    where surge is decided, outputs that are missing are given `catch_up_seconds`.
    """
    committed = {part.partition: offset for part, offset in log.group_offsets(USAGE_GROUP).items()}
    prices = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), default_price_book)
    ledger = Ledger()
    late = LateOutputs(log, ledger, records_topic)
    progress("reading committed records")
    fold = BalanceFold()
    ledger.add_records(late.watch(fold.add(log.read(records_topic))))
    ledger.add_letters(late.watch(log.read(DEAD_LETTERS)), USAGE_EVENTS)
    fold.add_open(log.read(SESSIONS))
    # Read last: a factor is committed no later than what was charged it.
    rates = [pricing_pb2.SurgeRate.FromString(one.value) for one in log.read(SURGE)]
    factors = PublishedFactors(rates, ledger.surge_unknown, ledger.reached)
    readings = Readings(ledger.read, prices.latest())
    changes = {customer: calls.change for customer, calls in fold.open.items()}
    recomputation = Recomputation(prices, readings, ledger.home, factors=factors, changes=changes)
    recount = DemandRecount(prices, readings)
    comparison = Comparison(USAGE_EVENTS, ledger, recomputation, committed, patient=bool(rates))
    parts = log.partitions(USAGE_EVENTS)
    for part in parts:
        progress(f"recomputing {USAGE_EVENTS} partition {part.partition}")
        events = log.read(USAGE_EVENTS, partitions=[part.partition])
        comparison.partition(part.partition, recount.watch(part.partition, events) if rates else events)
    comparison.settle()
    if ledger.leftover():
        progress("looking ahead of the offsets that the job has reported")
        for part in parts:
            start = {part: comparison.stops[part.partition]}
            comparison.ahead(log.read(USAGE_EVENTS, partitions=[part.partition], start=start))
        comparison.ahead_of_time()
    late.await_all(comparison.awaited, catch_up_seconds)
    report = comparison.finish()
    for text in compare_said(fold.open, recomputation.states, recomputation.memory.sessions.values()):
        report.differ(text)
    _compare_rates(RateComparison(rates, recount, prices), report)
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


def _compare_rates(rates: RateComparison, report: Report) -> None:
    report.surge_rates = sum(bool(one.dimension_value) for one in rates.published)
    for text in rates.differences():
        report.differ(text)
