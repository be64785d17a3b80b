"""The surge part of usage rating: frames of usage and signals -> factors, decided before they are charged."""

from typing import NamedTuple

from pyflink.common import Types
from pyflink.datastream import DataStream

from flink_jobs.environment import BYTES, by_shard
from udfs.broadcast_prices import PRICES, RatingStart
from udfs.count_demand import CountDemand
from udfs.decide_surge import DECIDED, DecideSurge

ONE_PLACE = "surge"


class Surge(NamedTuple):
    """What was decided: as outgoing frames for Kafka, and as broadcast elements for the rating."""

    outgoing: DataStream
    rates: DataStream


def decide_surge(
    frames: DataStream, books: DataStream, contracts: DataStream, signals: DataStream, start: RatingStart
) -> Surge:
    """Count demand by shard, and decide all factors in one place."""
    prices = books.union(contracts).broadcast(PRICES)
    demand = by_shard(frames).connect(prices).process(CountDemand(start), output_type=BYTES)
    demand.uid("count-demand").name("count demand")
    together = demand.union(signals).key_by(in_one_place, key_type=Types.STRING())
    decided = together.connect(prices).process(DecideSurge(start), output_type=BYTES)
    decided.set_parallelism(1).uid("decide-surge").name("decide surge")
    # Not through Python again: the side output of the JVM's operator.
    rates = decided._j_data_stream.getSideOutput(DECIDED.get_java_output_tag())  # noqa: SLF001
    return Surge(decided, DataStream(rates))


def in_one_place(_: bytes) -> str:
    """Return the one key."""
    return ONE_PLACE
