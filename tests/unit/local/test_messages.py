"""The one line that users see when something fails."""

import zipfile
from pathlib import Path

import pytest

from tollgate.local.errors import StackError
from tollgate.local.logs import meaningful_line
from tollgate.local.ports import any_free_port
from tollgate.local.python_code import digest
from tollgate.local.rest import FlinkRest
from tollgate.local.rest_call import root_cause
from tollgate.local.submit import failure_line

CLIENT_TRACE = """org.apache.flink.client.program.ProgramAbortException: java.lang.RuntimeException: exits
\tat org.apache.flink.client.python.PythonDriver.main(PythonDriver.java:141)
Caused by: java.lang.RuntimeException: Python process exits with code: 1
"""


def test_the_root_cause_in_a_java_log_is_found() -> None:
    """Not the frames, and not what was only caused by it."""
    lines = [
        "INFO starting",
        "ERROR it failed",
        "java.lang.IllegalStateException: a",
        "\tat x.Error(y)",
        "Caused by: java.net.BindException: Address already in use",
        "\tat z",
        "INFO stopped",
    ]
    assert meaningful_line(lines) == "java.net.BindException: Address already in use"


def test_a_log_without_errors_gives_its_last_line() -> None:
    """And an empty one says so."""
    assert meaningful_line(["first", "last", ""]) == "last"
    assert meaningful_line([]) == "it said nothing"


def test_a_python_error_is_its_last_line() -> None:
    """What the program raised, not that the client noticed."""
    output = f"Traceback (most recent call last):\n  File x\nValueError: the book is missing\n{CLIENT_TRACE}"
    assert failure_line(output) == "ValueError: the book is missing"


def test_what_flink_refused_is_its_root_cause() -> None:
    """Through py4j the reason is in the Java trace inside the Python error."""
    output = f"""Traceback (most recent call last):
py4j.protocol.Py4JJavaError: An error occurred while calling o0.execute.
: org.apache.flink.util.FlinkException: Failed to execute job 'trivial'.
\tat a.b
Caused by: java.io.FileNotFoundException: Cannot find checkpoint or savepoint file
{CLIENT_TRACE}"""
    assert failure_line(output) == "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file"


def test_a_stack_trace_of_the_rest_interface_becomes_one_line() -> None:
    """Its innermost cause."""
    said = "Internal server error.\n<Exception on server side:\na.B: first\n\tat c\nCaused by: d: e"
    assert root_cause(said) == "d: e"
    assert root_cause("a.B: alone\n\tat c") == "a.B: alone"


def test_a_lost_transaction_is_named_whatever_kafka_calls_it() -> None:
    lost = "java.io.IOException: Kafka transaction lost, its records are missing from the topic: KafkaCommittable{7}"
    said = f"a.SuppressRestartsException: b\n\tat c\nCaused by: {lost}\n\tat d\nCaused by: e.ProducerFencedException: f"
    assert root_cause(said) == lost


def test_a_silent_flink_is_an_error_with_a_remedy() -> None:
    """Not a stack trace."""
    with pytest.raises(StackError, match=r"Flink does not answer at http://127\.0\.0\.1:.* run `tollgate up`"):
        FlinkRest(f"http://127.0.0.1:{any_free_port()}").overview()


def test_the_same_code_zipped_at_another_time_is_the_same_code(tmp_path: Path) -> None:
    """TaskManagers are replaced for changed code alone."""
    for name, year, content in (("a", 2020, "1"), ("b", 2026, "1"), ("c", 2026, "2")):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("billing/x.py", (year, 1, 1, 0, 0, 0)), content)
    first, again, changed = (digest([tmp_path / f"{name}.zip"]) for name in "abc")
    assert first == again != changed
