"""Flink's and Kafka's configuration as it is written for a stack."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tollgate.local.errors import StackError
from tollgate.local.flink import java_options
from tollgate.local.flink_config import load_template, local_options, render
from tollgate.local.kafka import KafkaNode, render_properties
from tollgate.local.layout import Layout
from tollgate.local.settings import LocalStackSettings

PROJECT = Path(__file__).parents[3]
PORTS = {"kafka": 1, "kafka_controller": 2, "flink_rest": 3, "flink_rpc": 4}
SETTINGS = LocalStackSettings(checkpoint_interval_ms=500, flink_options={"restart-strategy.type": "none"})


@pytest.fixture
def rendered(tmp_path: Path) -> dict[str, object]:
    """Render the project's configuration for a stack in a directory with a space in its name, read back."""
    layout = Layout.of(PROJECT, tmp_path / "my home")
    options = {**load_template(PROJECT / "conf/flink/config.yaml"), **local_options(layout, SETTINGS, PORTS)}
    document: dict[str, object] = YAML(typ="safe").load(render(options))
    return document


def test_the_guarantees_are_those_of_production(rendered: dict[str, object]) -> None:
    """Nothing local weakens them."""
    assert rendered["execution.checkpointing.mode"] == "EXACTLY_ONCE"
    assert rendered["execution.checkpointing.externalized-checkpoint-retention"] == "RETAIN_ON_CANCELLATION"
    assert rendered["execution.checkpointing.unaligned.enabled"] == "false"
    assert rendered["state.backend.type"] == "rocksdb"
    assert rendered["python.execution-mode"] == "thread"
    assert rendered["taskmanager.numberOfTaskSlots"] == "1"


def test_everything_listens_on_loopback_alone(rendered: dict[str, object]) -> None:
    """Flink's REST interface runs code for whoever reaches it."""
    addresses = {key: value for key, value in rendered.items() if key.endswith(("address", "host"))}
    assert len(addresses) == 6
    assert set(addresses.values()) == {"127.0.0.1"}
    assert rendered["web.submit.enable"] == "false"


def test_settings_ports_and_directories_are_filled_in(rendered: dict[str, object], tmp_path: Path) -> None:
    """Paths stay as they are: Flink would make a directory called `my%20home`."""
    assert rendered["rest.port"] == "3"
    assert rendered["jobmanager.rpc.port"] == "4"
    assert rendered["execution.checkpointing.interval"] == "500 ms"
    assert rendered["execution.checkpointing.dir"] == f"file://{tmp_path}/my home/flink/checkpoints"
    assert rendered["restart-strategy.type"] == "none"


def test_the_parts_of_a_task_manager_s_memory_fit(rendered: dict[str, object]) -> None:
    """What is left for the heap is what the comment in the file says."""
    process, managed, overhead, network = (
        int(str(rendered[f"taskmanager.memory.{part}"]).removesuffix("m"))
        for part in ("process.size", "managed.size", "jvm-overhead.max", "network.max")
    )
    metaspace, off_heap = 256, 128
    assert process - managed - overhead - network - metaspace - off_heap == 528


def test_a_template_with_nested_keys_is_refused(tmp_path: Path) -> None:
    """A nested key would not be overridden by the same key written in full."""
    (tmp_path / "config.yaml").write_text("rest:\n  port: 1\n")
    with pytest.raises(StackError, match=r"full\.key: value"):
        load_template(tmp_path / "config.yaml")


def test_the_jvm_gets_the_options_for_all_and_for_its_role() -> None:
    """Flink leaves env.java.opts.* to whoever starts the JVM."""
    options = {"env.java.opts.all": "-a -b", "env.java.opts.client": "-c", "env.java.opts.taskmanager": "-t"}
    assert java_options(options, "taskmanager") == ["-a", "-b", "-t"]
    assert java_options(options, "jobmanager") == ["-a", "-b"]


def test_the_broker_listens_on_its_ports_on_loopback(tmp_path: Path) -> None:
    """And keeps its data in the stack's own directory."""
    node = KafkaNode(Layout.of(PROJECT, tmp_path), Path("java"), Path("jars"), 1, 2, 512)
    lines = render_properties(node).splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2" in lines
    assert f"log.dirs={tmp_path}/kafka/data" in lines
