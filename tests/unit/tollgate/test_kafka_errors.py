"""What is said of a Kafka that lets nobody in, where the client has thrown its answer away."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tollgate import kafka_log
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError

LOGIN: dict[str, Any] = {
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "PLAIN",
    "sasl_plain_username": "otter",
    "sasl_plain_password": "velvet",
}


@pytest.fixture
def hangs_up() -> Iterator[str]:
    """The address of somebody who accepts whoever comes, listens once, and hangs up without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(1024)

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_log, "_BOOTSTRAP_MS", 1_000)


def test_who_is_hung_up_on_during_the_login_is_not_let_in(hangs_up: str) -> None:
    with (
        pytest.raises(StackError, match="does not let user otter in: it hangs up") as caught,
        KafkaLog(hangs_up, LOGIN) as log,
    ):
        log.partitions("usage.events")
    assert "TOLLGATE_KAFKA_USER, _PASSWORD_FILE" in caught.value.remedy
    assert "velvet" not in str(caught.value)


def test_who_has_no_name_is_told_that_nobody_answers(hangs_up: str) -> None:
    with pytest.raises(StackError, match="Kafka does not answer at"), KafkaLog(hangs_up) as log:
        log.partitions("usage.events")
