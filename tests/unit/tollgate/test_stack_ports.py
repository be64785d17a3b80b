"""Which ports a stack prefers."""

from tollgate.context import Context
from tollgate.settings import Settings


def ports(**chosen: int) -> dict[str, int]:
    settings = Context(Settings.model_validate(chosen)).stack_settings()
    return {name: value for name, value in settings.model_dump().items() if name.endswith("_port")}


def test_a_stack_on_any_free_ports_prefers_none_at_all() -> None:
    assert set(ports(kafka_port=0, flink_port=0, redis_port=0).values()) == {0}


def test_the_usual_stack_prefers_the_usual_ports() -> None:
    found = ports(kafka_port=9092, flink_port=8081, redis_port=6379)
    assert (found["kafka_controller_port"], found["flink_rpc_port"]) == (9093, 6123)
