"""Balances: billing.records -> Redis, live and settled, and billing.balances.

flink run -py flink_jobs/balances.py -pyfs tollgate.zip --bootstrap-servers HOST:PORT --redis-url redis://HOST:PORT
"""

from pydantic_settings import CliApp
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from flink_jobs.environment import BYTES, by_shard, environment
from flink_jobs.settings import BALANCES_JOB, LIVE_GROUP, SETTLED_GROUP, SHARDS, BalanceSettings
from flink_jobs.topics import BALANCES, RECORDS
from sinks.kafka import at_least_once_sink, java_map
from sinks.redis import RedisAwayError, RedisTarget
from udfs.balance_keeper import Side
from udfs.keep_balances import KeepBalances
from wire.frames import Tag

PRODUCER = {"compression.type": "lz4", "linger.ms": "20"}
SETTLED_TURNS = 16


def main() -> None:
    """Build and submit the job."""
    settings = CliApp.run(BalanceSettings)
    env = environment(settings.parallelism)
    latest = records(env, settings, Side.LIVE).union(records(env, settings, Side.SETTLED))
    redis = RedisTarget(settings.redis_url, settings.redis_timeout_seconds)
    settled = by_shard(latest).process(KeepBalances(redis, RedisAwayError), output_type=BYTES)
    settled.uid("keep-balances").name("keep balances")
    sink = at_least_once_sink(
        settled,
        bootstrap_servers=settings.bootstrap_servers,
        properties=PRODUCER | settings.kafka_properties,
        topics={Tag.BALANCE: BALANCES},
    )
    sink.uid("billing-balances").name("billing balances")
    env.execute(BALANCES_JOB)


def records(env: StreamExecutionEnvironment, settings: BalanceSettings, side: Side) -> DataStream:
    """Read billing.records as one side sees them: the latest of each customer and meter, framed by shard."""
    jvm = get_gateway().jvm
    parts = jvm.tollgate.jvm.BalanceJobParts
    name = f"{side.name.lower()} records"
    read = parts.readRecords(
        env._j_stream_execution_environment,  # noqa: SLF001
        settings.bootstrap_servers,
        RECORDS,
        LIVE_GROUP if side is Side.LIVE else SETTLED_GROUP,
        side is Side.SETTLED,
        java_map(settings.kafka_properties),
        name,
    )
    read.uid(f"{side.name.lower()}-records").name(name)
    # Settled records come in one burst per checkpoint: they leave little by little, or live ones would wait for them.
    linger_ms, turns = (settings.linger_ms, 1) if side is Side.LIVE else (settings.settled_linger_ms, SETTLED_TURNS)
    operator = jvm.tollgate.jvm.LatestRecords(int(side), SHARDS, settings.latest_records, linger_ms, turns)
    latest = parts.latest(read, operator, f"latest {name}")
    return DataStream(latest.uid(f"latest-{side.name.lower()}-records").name(f"latest {name}"))


if __name__ == "__main__":
    main()
