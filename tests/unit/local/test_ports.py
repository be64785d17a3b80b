"""Ports: the well-known one if it is free, another if it is not."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tollgate.local.addresses import OWNERS, with_ports
from tollgate.local.errors import StackError
from tollgate.local.ports import any_free_port, choose_port, is_free
from tollgate.local.processes import ProcessRecord
from tollgate.local.run_file import RunFile
from tollgate.local.settings import LocalStackSettings

ANY = LocalStackSettings(kafka_port=0, kafka_controller_port=0, flink_rest_port=0, flink_rpc_port=0)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Return a port that another program listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(taken_port: int) -> None:
    """Also where it is taken on all addresses."""
    assert not is_free(taken_port)
    with closing(socket.create_server(("0.0.0.0", 0))) as server:
        assert not is_free(server.getsockname()[1])


def test_a_port_whose_connections_are_closing_is_free() -> None:
    """So that `down` and `up` in a row keep the well-known ports."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))):
            server.accept()[0].close()
    assert is_free(port)


def test_the_preferred_port_is_used_if_it_is_free() -> None:
    """The well-known port is what users expect."""
    port = any_free_port()
    assert choose_port(port) == port


def test_a_free_port_is_none_that_the_system_gives_to_outgoing_connections() -> None:
    """One of those was taken between choosing it and listening on it."""
    first, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert all(1024 < any_free_port() < first for _ in range(50))


def test_a_taken_or_promised_port_is_passed_over(taken_port: int) -> None:
    """Neither another program's port nor one that another of our processes will use."""
    assert choose_port(taken_port) != taken_port
    free = any_free_port()
    assert choose_port(free, {free}) != free


def test_every_owner_gets_a_port_of_its_own() -> None:
    """Four ports, all different."""
    ports = with_ports(RunFile(), ANY).ports
    assert ports.keys() == OWNERS.keys()
    assert len(set(ports.values())) == len(OWNERS)


def test_ports_stay_as_long_as_anything_runs() -> None:
    """Running jobs know the broker's address, whatever the settings now prefer."""
    run = with_ports(RunFile(), ANY)
    assert with_ports(run, LocalStackSettings()).ports == run.ports


def test_a_port_that_jobs_rely_on_and_another_program_took_is_an_error(taken_port: int) -> None:
    """The stack must not come up beside its own jobs."""
    job_manager = ProcessRecord(name="jobmanager", pid=1, create_time_seconds=0)
    run = RunFile(ports={"kafka": taken_port}).with_process(job_manager)
    with pytest.raises(StackError, match=f"port {taken_port} .kafka., which the running processes rely on"):
        with_ports(run, ANY)
