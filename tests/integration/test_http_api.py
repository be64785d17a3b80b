"""The HTTP API over a real stack: what was produced is in the balance, the records, the quote and on operations."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from tests.integration.balances import eventually
from tests.integration.conftest import Tollgate, usage

Ask = Callable[..., Any]


@contextmanager
def serving(tollgate: Tollgate, *scope: str) -> Iterator[Ask]:
    """Give a way to ask a server with a key of a scope."""
    key = tollgate.ok("api", "keys", "add", "--name", " ".join(scope), "--rate", "0", *scope).strip()
    command = [sys.executable, "-m", "tollgate", "api", "--port", "0"]
    with subprocess.Popen(command, env=dict(tollgate.environment), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()

        def ask(path: str, **query: str) -> Any:
            url = f"{address}{path}?{urlencode(query)}"
            request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)

        try:
            yield ask
        finally:
            server.terminate()
            server.wait(20)


def test_a_tenant_reads_what_its_customer_used(tollgate: Tollgate, now_ms: int) -> None:
    tollgate.produce([usage("apitenant/a", "a1", 30, now_ms), usage("apiother/b", "b1", 30, now_ms)])
    tollgate.ok("wait")
    with serving(tollgate, "--tenant", "apitenant") as ask:

        def settled() -> None:
            found = ask("/v1/balance", customer="apitenant/a")
            assert found["settled"]["sequence"] == 1
            assert found["settled"]["total"] == found["live"]["total"]

        eventually(settled)
        (record,) = ask("/v1/records", customer="apitenant/a")["records"]
        assert record["amount"] == ask("/v1/balance", customer="apitenant/a")["live"]["total"]
        assert ask("/v1/records/1/explanation", customer="apitenant/a")["steps"]
        assert ask("/v1/prices", customer="apitenant/a")["price_book"]
        assert ask("/v1/quote", customer="apitenant/a", meter="sms.outbound", quantity="5")["currency"] == "USD"
        assert ask("/v1/bill", customer="apitenant/a")[0]["lines"]
        refused = []
        for customer in ("apiother/b", "apitenant/nobody"):
            try:
                ask("/v1/balance", customer=customer)
            except urllib.error.HTTPError as error:
                refused.append(error.code)
        assert refused == [404, 404]


def test_operations_sees_the_jobs_and_their_checkpoints(tollgate: Tollgate) -> None:
    with serving(tollgate, "--operations") as ask:
        for _ in range(20):  # Flink answers with what it has; it asks its tasks only then
            found = ask("/v1/operations")
            jobs = {one["name"]: one for one in found["jobs"]}
            late = jobs["usage-rating"]["rated_after_ms"]
            if late and late["p99"]:
                break
            time.sleep(0.5)
    assert 0 < late["median"] <= late["p95"] <= late["p99"] <= late["p999"]
    assert jobs["balances"]["rated_after_ms"] is None
    assert found["away"] == {}
    assert jobs["usage-rating"]["state"] == "RUNNING"
    assert jobs["usage-rating"]["checkpoint_age_ms"] < 60_000
    assert jobs["usage-rating"]["checkpoint_bytes"] > 0
    assert found["hottest"]["customers"]
