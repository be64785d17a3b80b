"""One real stack for all integration tests: Kafka and Flink as processes, on free ports, in a folder of its own.

Tests keep to customers of their own. Event time only moves forward in a log, so files run in the
order of their names: `test_balances` plays in August, `test_cycles_close` in September, everything after
them in the present.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.command_processes import run_command
from tollgate.context import Context
from tollgate.settings import REPOSITORY, Settings

PREFIX = "TOLLGATE_"
STARTED_ANEW = {"up", "down", "sql"}
"""Commands that run as a shell starts them; what they start or load outlives or outweighs a warm interpreter."""
BOOK = REPOSITORY / "conf" / "price_books" / "bench.yaml"


@dataclass
class Tollgate:
    """The command line, run as a user runs it."""

    home: Path
    environment: Mapping[str, str]
    contexts: list[Context] = field(default_factory=list)

    def run(self, *arguments: str, text: str = "", timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a command; standard input is `text`."""
        if arguments[0] not in STARTED_ANEW:
            return run_command(arguments, self.environment, text, timeout)
        return subprocess.run(
            [sys.executable, "-m", "tollgate", *arguments],
            input=text, capture_output=True, text=True, timeout=timeout, check=False, env=dict(self.environment),
        )  # fmt: skip

    def ok(self, *arguments: str, text: str = "", timeout: float = 240) -> str:
        """Run a command that must succeed; returns its standard output."""
        done = self.run(*arguments, text=text, timeout=timeout)
        assert done.returncode == 0, f"tollgate {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Run a command that must succeed and print JSON."""
        return json.loads(self.ok(*arguments, "--json"))

    def produce(self, lines: Sequence[Mapping[str, Any]], *options: str) -> None:
        """Send lines of a JSONL file."""
        self.ok("produce", "-", *options, text="\n".join(map(json.dumps, lines)))

    @property
    def context(self) -> Context:
        """The same stack from inside Python."""
        names = [name for name in self.environment if name.startswith(PREFIX)]
        chosen: dict[str, Any] = {name.removeprefix(PREFIX).lower(): self.environment[name] for name in names}
        chosen["tax_rates"] = json.loads(chosen.get("tax_rates", "[]"))
        context = Context(Settings.model_validate(chosen))
        self.contexts.append(context)
        return context

    def close(self) -> None:
        """Let the connections go that tests have opened."""
        for context in self.contexts:
            if "log" in vars(context):
                context.log.close()


@contextmanager
def stack(home: Path, **settings: str) -> Iterator[Tollgate]:
    """Give a stack that is not started yet; every process of it ends with the block."""
    environment = os.environ | {
        "TOLLGATE_HOME": str(home),
        "TOLLGATE_KAFKA_PORT": "0",
        "TOLLGATE_FLINK_PORT": "0",
        "TOLLGATE_REDIS_PORT": "0",
        "TOLLGATE_JOBS": "usage-rating,balances",
        "COLUMNS": "200",
        # A stack of a few minutes: thorough compilation would take most of the processors, and never pay.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
    }
    command = Tollgate(home, environment | settings)
    try:
        yield command
    finally:
        command.close()
        command.run("down")


@pytest.fixture(scope="session")
def tollgate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollgate]:
    """A running stack with a plain price book, for all tests that need no other."""
    with stack(tmp_path_factory.mktemp("stack")) as command:
        command.ok("up")
        command.ok("prices", "publish", str(BOOK))
        yield command


@pytest.fixture(scope="session")
def subscribing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollgate]:
    """A running stack with the subscription job and a plain price book, for all tests of subscriptions."""
    settings = {"TOLLGATE_JOBS": "usage-rating,balances,subscriptions", "TOLLGATE_TASK_MANAGERS": "1"}
    with stack(tmp_path_factory.mktemp("subscribing"), TOLLGATE_PARALLELISM="1", **settings) as command:
        command.ok("up")
        command.ok("prices", "publish", str(BOOK))
        yield command


@pytest.fixture
def now_ms() -> int:
    """The present, as producers stamp it."""
    return time.time_ns() // 1_000_000


def usage(customer: str, event_id: str, quantity: int, event_time_ms: int, **fields: Any) -> dict[str, Any]:
    """Return a line for `produce`: a usage event, of sms.outbound unless another meter is named."""
    event = {"event_id": event_id, "customer_id": customer, "meter": "sms.outbound", "quantity": quantity}
    return {"usage": event | {"event_time_ms": event_time_ms} | fields}
