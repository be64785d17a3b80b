"""What all jobs share: the guarantees of their environment, and keying by shard."""

from typing import Any

from pyflink.common import Configuration, Types
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.util.java_utils import get_j_env_configuration

from flink_jobs.settings import SHARDS

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


def environment(parallelism: int) -> StreamExecutionEnvironment:
    """Return the environment with what correctness depends on, whatever the cluster's defaults are."""
    conf = Configuration()
    conf.set_string("python.execution-mode", "thread")
    conf.set_string("state.backend.type", "rocksdb")
    conf.set_string("execution.checkpointing.incremental", "true")
    conf.set_string("execution.checkpointing.mode", "EXACTLY_ONCE")
    # Barriers may not overtake frames: the framer empties itself in front of them.
    conf.set_string("execution.checkpointing.unaligned.enabled", "false")
    conf.set_string("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION")
    conf.set_string("pipeline.object-reuse", "true")
    conf.set_string("pipeline.max-parallelism", str(SHARDS))
    conf.set_string("pipeline.generic-types", "false")
    env = StreamExecutionEnvironment.get_execution_environment(conf)
    env.set_parallelism(parallelism)
    return env


def restore_path(env: StreamExecutionEnvironment) -> str:
    """Return the savepoint or checkpoint that `flink run -s` names, or an empty text."""
    configuration = get_j_env_configuration(env._j_stream_execution_environment)  # noqa: SLF001
    options = get_gateway().jvm.org.apache.flink.configuration.StateRecoveryOptions
    return configuration.get(options.SAVEPOINT_PATH) or ""


def by_shard(frames: DataStream) -> KeyedStream:
    """Key by the first field of (shard key, frame or bundle) without a hop through Python."""
    jvm = get_gateway().jvm
    key_type: Any = Types.ROW([Types.STRING()])
    keyed = frames._j_data_stream.keyBy(jvm.KeyByKeySelector(), key_type.get_java_type_info())  # noqa: SLF001
    return KeyedStream(keyed, BYTES, frames)
