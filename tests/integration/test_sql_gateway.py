"""The SQL gateway over known data: what every session of any client finds, exact answers, and what is refused.

A Kafka of its own and no job: what is on the topics is in `sql_data`. The shell and Python of
docs/how-to/ask-with-sql.md are run as they stand there, but for the port.
"""

import json
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from flink_jobs.topics import ALL
from tests.integration.conftest import Tollgate, stack
from tests.integration.sql_data import EUROPEANS, send_all
from tollgate.settings import REPOSITORY
from tollgate.sql.tables import TABLES

SPENT = "SELECT customer_id, SUM(amount) AS amount FROM billing_records GROUP BY customer_id ORDER BY customer_id"
KNOWN = [
    ["ann", Decimal("2.15")], ["bob", Decimal("24.000000000001")], ["cat", Decimal("13.1")], ["dan", Decimal(0)],
    *([eve, Decimal(100)] for eve in EUROPEANS),
]  # fmt: skip


class RefusedError(Exception):
    """What the gateway says against a statement."""


@dataclass
class Session:
    """A session over REST, as any client opens it."""

    address: str
    handle: str = ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read(), parse_float=Decimal)
        except urllib.error.HTTPError as error:
            raise RefusedError(error.read().decode()) from error

    def open(self, **properties: str) -> "Session":
        self.handle = self.call("POST", "/v3/sessions", {"properties": properties})["sessionHandle"]
        return self

    def changes(self, statement: str) -> Iterator[tuple[str, list[Any]]]:
        """Yield rows as they come, each with what happened to it."""
        begun = self.call("POST", f"/v3/sessions/{self.handle}/statements", {"statement": statement})
        operation = f"/v3/sessions/{self.handle}/operations/{begun['operationHandle']}"
        path = f"{operation}/result/0?rowFormat=JSON"
        try:
            while path:
                found = self.call("GET", path)
                for row in found.get("results", {}).get("data", ()):
                    yield row["kind"], row["fields"]
                path = found.get("nextResultUri")
                time.sleep(0.1)
        finally:
            self.call("DELETE", f"{operation}/close")

    def rows(self, statement: str) -> list[list[Any]]:
        return [fields for _, fields in self.changes(statement)]


@dataclass
class Gateway:
    """A gateway that serves, and the stack whose topics it reads."""

    tollgate: Tollgate
    address: str
    pending: Any
    """The producer whose transaction is open: 5000 for ann."""

    def session(self, **properties: str) -> Session:
        return Session(self.address).open(**properties)

    def documented(self, language: str) -> str:
        """Return the how-to's commands for other programs in one language, for this gateway."""
        page = (REPOSITORY / "docs" / "how-to" / "ask-with-sql.md").read_text()
        section = page.partition("\n## Your own tools\n")[2].partition("\n## ")[0]
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        port = self.address.rpartition(":")[2]
        home = str(self.tollgate.home)
        return "\n".join(blocks).replace("8083", port).replace(".tollgate/", f"{shlex.quote(home)}/")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway over a Kafka with known content, in which a transaction is open."""
    with stack(tmp_path_factory.mktemp("gateway")) as command:
        context = command.context
        context.stack.ensure_flink_home()
        context.stack.ensure_kafka()
        context.log.create_topics(ALL, 2)
        pending = send_all(context.bootstrap_servers)
        arguments = [sys.executable, "-m", "tollgate", "sql", "--gateway", "--port", "0"]
        with subprocess.Popen(
            arguments, env=dict(command.environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            try:
                assert address, server.communicate(timeout=30)
                yield Gateway(command, address, pending)
            finally:
                server.terminate()
                assert server.wait(30) == 0
        del pending  # closes it, as long as there is a broker


def test_each_session_begins_in_the_catalog(gateway: Gateway) -> None:
    for session in (gateway.session(), gateway.session()):
        assert session.rows("SHOW CATALOGS") == [["tollgate"]]
        assert [name for (name,) in session.rows("SHOW TABLES FROM topics")] == sorted(one.name for one in TABLES)
        assert {"billing_records", "billing_alerts", "price_versions"} <= {
            name for (name,) in session.rows("SHOW TABLES")
        }
        assert {"quote", "cycle_of"} <= {name for (name,) in session.rows("SHOW USER FUNCTIONS")}
        session.rows("DROP VIEW billing_alerts")


def test_a_query_is_exact_and_ends_where_the_topics_end_when_it_begins(gateway: Gateway) -> None:
    session = gateway.session()
    assert session.rows(SPENT) == KNOWN
    both = "SELECT COUNT(*) FROM billing_invoice_lines AS l JOIN billing_invoices AS i ON l.invoice_id = i.invoice_id"
    assert session.rows(both) == [[1]]
    gateway.pending.commit_transaction()
    assert session.rows(SPENT) == [["ann", Decimal("5002.15")], *KNOWN[1:]]


def test_a_streaming_session_goes_on(gateway: Gateway) -> None:
    session = gateway.session(**{"execution.runtime-mode": "streaming"})
    changes = session.changes(
        "SELECT reason, COUNT(*) FROM billing_deadletters WHERE reason = 'TOO_OLD' GROUP BY reason"
    )
    assert next(changes) == ("INSERT", ["TOO_OLD", 1])
    changes.close()


def test_functions_ask_the_core(gateway: Gateway) -> None:
    asked = (
        "SELECT quote('sms', 12, 'acme'), tier_of('sms', 11), format_money(CAST(1234.565 AS DECIMAL(38, 12)), 'USD')"
    )
    assert gateway.session().rows(asked) == [["0.55", 2, "1,234.56 USD"]]
    versions = "SELECT version, valid_from, valid_to FROM tollgate.billing.price_versions ORDER BY version"
    session = gateway.session()
    session.rows("USE topics")
    assert [row[0] for row in session.rows(versions)] == [1, 2, 3]


def test_topics_are_not_written_to(gateway: Gateway) -> None:
    with pytest.raises(RefusedError, match="can only be used as a source"):
        gateway.session().rows("INSERT INTO topics.billing_alerts (alert_id) VALUES ('a')")


def test_the_shell_of_the_how_to(gateway: Gateway) -> None:
    done = subprocess.run(
        ["/bin/sh", "-euc", gateway.documented("sh")],
        capture_output=True, text=True, timeout=240, check=False,
        cwd=REPOSITORY, env=dict(gateway.tollgate.environment),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    by_hand, _, others = done.stdout.partition('"EOS"')
    assert '"billing_records"' in by_hand
    assert "bob 24.000000000001" in others.splitlines()  # JDBC
    assert re.search(r"\| +bob \| +USD \| +24\.000000000001 \|", others)  # the SQL client


def test_the_notebook_of_the_how_to(gateway: Gateway) -> None:
    found: dict[str, Any] = {}
    exec(gateway.documented("python"), found)
    assert ["bob", Decimal("24.000000000001")] in found["rows"]
