"""What the gateway is given: definitions that Java reads, options that keep it on this machine, a port of its own."""

import base64
import pickle
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tollgate.local.errors import StackError
from tollgate.sql import gateway, gateway_process
from tollgate.sql.catalog import statements
from tollgate.sql.gateway import CONNECTOR, follow, options, pickled, usable
from tollgate.sql.gateway_process import await_session
from tollgate.sql.tables import RAW, TABLES
from udfs.sql_functions import PublishedPrices

NOTHING = PublishedPrices((), "", 0)


def test_functions_travel_as_text_and_answer_where_they_arrive() -> None:
    sent = pickled(NOTHING)
    assert {name: one["result"] for name, one in sent.items()} == {
        "quote": "STRING", "tier_of": "INT", "cycle_of": "STRING", "book_accepted": "BOOLEAN",
        "instant_of": "BIGINT", "format_money": "STRING",
    }  # fmt: skip
    arrived = pickle.loads(base64.b64decode(sent["instant_of"]["pickled"]))
    assert arrived.eval("1970-01-01T00:00:01Z") == 1000


def test_a_session_has_what_the_command_has_through_a_connector_that_only_reads() -> None:
    ours = list(statements(lambda _: CONNECTOR))
    flinks = list(statements(lambda _: {}))
    assert [one.replace("tollgate-topic", "kafka") for one in ours if f"TABLE {RAW}." not in one] == [
        one for one in flinks if f"TABLE {RAW}." not in one
    ]
    tables = [one for one in ours if one.startswith("CREATE TABLE")]
    assert len(tables) == len(TABLES)
    assert all("'connector' = 'tollgate-topic'" in one and "'kafka'" not in one for one in tables)
    assert CONNECTOR["end-together"].split(";") == [table.topic for table in TABLES]


def test_it_listens_on_this_machine_alone_and_answers_end(tmp_path: Path) -> None:
    chosen = options(8083, tmp_path / "definitions.json")
    addresses = {value for key, value in chosen.items() if key.endswith("address")}
    assert addresses == {"127.0.0.1"}
    assert chosen["execution.runtime-mode"] == "batch"
    assert chosen["table.catalog-store.tollgate.definitions"] == str(tmp_path / "definitions.json")


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} is taken"):
            usable(port)
    assert usable(0) > 0


def test_a_gateway_that_ends_while_starting_says_why(tmp_path: Path) -> None:
    log = tmp_path / "sql-gateway.log"
    log.write_text("java.lang.IllegalStateException: outer\nCaused by: java.net.BindException: in use\n")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with pytest.raises(StackError, match=r"ended while starting: java\.net\.BindException: in use"):
            await_session(process, usable(0), log)


def test_a_gateway_that_is_never_ready_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_process, "START_SECONDS", 0.0)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        try:
            with pytest.raises(StackError, match="not ready after 0 s: it said nothing"):
                await_session(process, usable(0), tmp_path / "none.log")
        finally:
            process.kill()


class Desk:
    """What `follow` needs of a context."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.reconnected = 0

    def report(self, line: str) -> None:
        self.said.append(line)

    def reconnect(self) -> None:
        self.reconnected += 1


def test_what_functions_know_is_renewed_and_kafka_that_is_away_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter(["", "away", "away", "", *[""] * 1000])
    written: list[str] = []

    def write(*_: object) -> None:
        if next(turns):
            raise StackError("Kafka does not answer", "start it")
        written.append("now")

    monkeypatch.setattr(gateway, "REFRESH_SECONDS", 0.02)
    monkeypatch.setattr(gateway, "write_definitions", write)
    desk: Any = Desk()
    with (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.7)"]) as process,
        pytest.raises(StackError, match="the gateway has ended: it said nothing"),
    ):
        follow(desk, process, tmp_path, tmp_path / "none.log")
    assert desk.said == ["the functions go on with the prices that they know: Kafka does not answer"]
    assert desk.reconnected == 2
    assert len(written) > 2
