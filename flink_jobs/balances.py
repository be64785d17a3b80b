"""Balances: billing.records -> Redis, live and settled, and billing.balances; billing.sessions -> Redis.

flink run -py flink_jobs/balances.py -pyfs tollgate.zip --bootstrap-servers HOST:PORT --redis-url redis://HOST:PORT
"""

from pydantic_settings import CliApp
from pyflink.common import Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from flink_jobs.environment import BYTES, by_shard, environment
from flink_jobs.settings import (
    BALANCES_JOB,
    LIVE_GROUP,
    SESSIONS_GROUP,
    SETTLED_GROUP,
    SHARDS,
    SURGE_GROUP,
    BalanceSettings,
)
from flink_jobs.topics import BALANCES, RECORDS, SESSIONS, SURGE
from sinks.kafka import FEWER_FETCHES, at_least_once_sink, java_map
from sinks.redis import RedisAwayError, RedisTarget
from sinks.redis_surge import SurgeTarget
from udfs.balance_keeper import Side
from udfs.keep_balances import KeepBalances
from udfs.keep_surge import KeepSurge, in_one_place
from wire.frames import Tag

PRODUCER = {"compression.type": "lz4", "linger.ms": "20"}
SETTLED_TURNS = 10

INPUTS = {
    Side.LIVE: (RECORDS, LIVE_GROUP, "live records"),
    Side.SETTLED: (RECORDS, SETTLED_GROUP, "settled records"),
    Side.OPEN: (SESSIONS, SESSIONS_GROUP, "open sessions"),
}
"""Topic, consumer group and name of each side."""


def main() -> None:
    """Build and submit the job."""
    settings = CliApp.run(BalanceSettings)
    env = environment(settings.parallelism)
    live, settled, running = (records(env, settings, side) for side in Side)
    latest = live.union(settled, running)
    redis = RedisTarget(settings.redis_url, settings.redis_timeout_seconds, settings.redis_password_path)
    kept = by_shard(latest).process(KeepBalances(redis, RedisAwayError), output_type=BYTES)
    kept.uid("keep-balances").name("keep balances")
    show_surge(env, settings)
    sink = at_least_once_sink(
        kept,
        bootstrap_servers=settings.bootstrap_servers,
        properties=PRODUCER | settings.java_kafka,
        topics={Tag.BALANCE: BALANCES},
    )
    sink.uid("billing-balances").name("billing balances")
    env.execute(BALANCES_JOB)


def records(env: StreamExecutionEnvironment, settings: BalanceSettings, side: Side) -> DataStream:
    """Read a topic as one side sees it: the latest of each customer and meter, framed by shard."""
    jvm = get_gateway().jvm
    parts = jvm.tollgate.jvm.BalanceJobParts
    topic, group, name = INPUTS[side]
    read = parts.readRecords(
        env._j_stream_execution_environment,  # noqa: SLF001
        settings.bootstrap_servers,
        topic,
        group,
        side is Side.SETTLED,
        java_map(FEWER_FETCHES | settings.java_kafka),
        name,
    )
    uid = name.replace(" ", "-")
    read.uid(uid).name(name)
    # Settled records come in one burst per checkpoint. The source paces them, turns do: live ones pass between.
    linger_ms, turns = settings.linger_ms, 1
    if side is Side.SETTLED:
        linger_ms, turns = settings.settled_linger_ms, SETTLED_TURNS
    operator = jvm.tollgate.jvm.LatestRecords(
        int(side), SHARDS, settings.parallelism, settings.latest_records, linger_ms, turns
    )
    latest = parts.latest(read, operator, f"latest {name}")
    return DataStream(latest.uid(f"latest-{uid}").name(f"latest {name}"))


def show_surge(env: StreamExecutionEnvironment, settings: BalanceSettings) -> None:
    """Show what is decided on pricing.surge in Redis, in one place: there is little of it."""
    parts = get_gateway().jvm.tollgate.jvm.BalanceJobParts
    rates = parts.readRecords(
        env._j_stream_execution_environment,  # noqa: SLF001
        settings.bootstrap_servers,
        SURGE,
        SURGE_GROUP,
        False,  # noqa: FBT003 - uncommitted: a factor is to be seen before it is charged
        java_map(settings.java_kafka),
        "surge rates",
    )
    read = DataStream(rates.uid("surge-rates").name("surge rates"))
    redis = SurgeTarget(settings.redis_url, settings.redis_timeout_seconds, settings.redis_password_path)
    keep = KeepSurge(redis, RedisAwayError)
    shown = read.key_by(in_one_place, key_type=Types.STRING()).process(keep, output_type=BYTES)
    shown.set_parallelism(1).uid("keep-surge").name("keep surge")


if __name__ == "__main__":
    main()
