"""The surge part of usage rating: frames of demand and signals -> factors, decided before they are charged."""

from pyflink.datastream import DataStream
from pyflink.java_gateway import get_gateway

from flink_jobs.environment import BYTES, by_shard
from udfs.broadcast_prices import PRICES, RatingStart
from udfs.broadcast_rates import DECIDED
from udfs.count_demand import CountDemand
from udfs.decide_surge import DecideSurge

ONE_PLACE = "surge"


def decide_surge(
    frames: DataStream, books: DataStream, contracts: DataStream, signals: DataStream, start: RatingStart
) -> DataStream:
    """Count demand by shard, and decide all factors in one place; returns outgoing frames."""
    prices = books.union(contracts).broadcast(PRICES)
    demand = by_shard(demand_of(frames)).connect(prices).process(CountDemand(start), output_type=BYTES)
    demand.uid("count-demand").name("count demand")
    together = by_shard(in_one_place(demand, "demand").union(in_one_place(signals, "signals")))
    decided = together.connect(prices).process(DecideSurge(start), output_type=BYTES)
    return decided.set_parallelism(1).uid("decide-surge").name("decide surge")


def demand_of(frames: DataStream) -> DataStream:
    """Return the frames that the framer makes of what names a meter with a surge rule."""
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    return DataStream(parts.demandOf(frames._j_data_stream))  # noqa: SLF001 - a side output of the JVM's


def in_one_place(stream: DataStream, name: str) -> DataStream:
    """Give all elements the one key, on the JVM's side."""
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    keyed = parts.underOneKey(stream._j_data_stream, ONE_PLACE)  # noqa: SLF001 - PyFlink would put Python between
    return DataStream(keyed.uid(f"{name}-in-one-place").name(f"{name} in one place"))


def as_rates(decided: DataStream) -> DataStream:
    """Return what was decided as the rating's broadcast elements, told from prices by their first byte."""
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    marked = parts.marked(decided._j_data_stream, DECIDED.decode())  # noqa: SLF001 - as above
    return DataStream(marked.uid("surge-rates").name("surge rates"))
