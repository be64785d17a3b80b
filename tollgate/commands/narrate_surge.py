"""How the surge factor of a line was decided, in words."""

from collections.abc import Iterable, Iterator

from billing.events import UsageEvent
from billing.surge.grid import DetectorKey
from billing.surge.view import SurgeView
from flink_jobs.topics import CONTRACTS, PRICE_BOOKS, SURGE
from tollgate.audit.prices import PriceHistory
from tollgate.commands.words import time_of, units_of
from tollgate.kafka_log import KafkaLog
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, pricing_pb2

_KIND = billing_pb2.BillingRecord.Kind
_CHARGED_SURGE = _KIND.USAGE, _KIND.LATE_CORRECTION, _KIND.SESSION


def surge_of(
    log: KafkaLog, record: billing_pb2.BillingRecord, event: UsageEvent | None, default_price_book: str
) -> Iterator[str]:
    """Yield the story of a record's factor, by the books that had been read; nothing where no surge rule is for it.

    `event` is the one whose time the price is of.
    """
    if event is None or record.kind not in _CHARGED_SURGE:
        return
    prices = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), default_price_book)
    catalog = prices.at(ReadSoFar(record.books_offset, record.contracts_offset))
    charged_by = SurgeView().charged_by(event, catalog)
    if charged_by is not None:
        rates = (pricing_pb2.SurgeRate.FromString(one.value) for one in log.read(SURGE))
        yield from narrate_surge(*charged_by, rates)
        if record.surge_unknown:
            yield "  - It was not known when this was charged: a detector that is late does not stop billing."


def narrate_surge(key: DetectorKey, interval: int, rates: Iterable[pricing_pb2.SurgeRate]) -> Iterator[str]:
    """Yield the interval of a charge, the window whose demand decided it, and what came of it."""
    grid = key.grid
    begin_ms, end_ms = grid.start_ms(interval), grid.window_end_ms(interval)
    yield (
        f"Surge {grid.surge_id!r} of {grid.meter}, {grid.dimension} {key.value!r}:"
        f" interval {time_of(begin_ms)} to {time_of(begin_ms + grid.window_ms)}."
    )
    window = f"the window from {time_of(end_ms - grid.window_ms)} to {time_of(end_ms)}"
    rate = next((one for one in rates if _is_of(one, key, begin_ms)), None)
    if rate is None:
        yield f"  - No demand in {window}, which decides it, and none left from before: factor 1, by default."
        return
    yield f"  - {rate.demand:,} {units_of(rate.demand)} of demand in {window}, which decides it."
    for one in rate.signals:
        yield f"  - External signal {one.name!r}: {one.value}, of {time_of(one.event_time_ms)}."
    level = f"level {rate.level} of version {rate.price_book.version}" if rate.level else "no level"
    yield f"  - That is {level}: factor {rate.factor}, published before anyone was charged it."


def _is_of(rate: pricing_pb2.SurgeRate, key: DetectorKey, begin_ms: int) -> bool:
    said = rate.price_book.id, rate.surge_id, rate.meter, rate.dimension_value, rate.interval_from_ms
    grid = key.grid
    return said == (grid.price_book, grid.surge_id, grid.meter, key.value, begin_ms) and (
        rate.interval_to_ms == begin_ms + grid.window_ms
    )
