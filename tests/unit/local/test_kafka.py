"""Where clients are told to find the broker."""

from pathlib import Path

from tollgate.local.kafka import KafkaNode, render_properties
from tollgate.local.layout import Layout


def properties(advertised_port: int = 0) -> dict[str, str]:
    layout = Layout.of(Path("/stack"))
    text = render_properties(KafkaNode(layout, Path("java"), Path("jars"), 9092, 9093, 512, advertised_port))
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_clients_are_told_the_broker_s_own_address() -> None:
    assert properties()["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"


def test_clients_are_told_the_proxy_s_address_where_one_stands_before_it() -> None:
    found = properties(advertised_port=9999)
    assert found["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9999"
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
