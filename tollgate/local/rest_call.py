"""One request to Flink's REST interface, with its errors made readable."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from tollgate.local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

REMEDY: Final = "see `tollgate status` and .tollgate/logs/jobmanager.log"
DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Loopback is never behind a proxy, whatever the environment says."""


def call_object(
    address: str, method: str, path: str, body: Mapping[str, Any] | None, timeout_seconds: float
) -> dict[str, Any]:
    """Send one request and return the JSON object answered.

    Raises StackError if nobody answers in time, or the answer is a refusal or not an object.
    """
    answer = call(address, method, path, body, timeout_seconds)
    if not isinstance(answer, dict):
        raise not_flink(address)
    return answer


def call_list(address: str, path: str, timeout_seconds: float) -> list[dict[str, Any]]:
    """Get a path and return the JSON list answered; raises like `call_object`."""
    answer = call(address, "GET", path, None, timeout_seconds)
    if not isinstance(answer, list):
        raise not_flink(address)
    return answer


def call(address: str, method: str, path: str, body: Mapping[str, Any] | None, timeout_seconds: float) -> object:
    request = urllib.request.Request(address + path, method=method)  # noqa: S310  (always our http://127.0.0.1)
    request.add_header("Content-Type", "application/json")
    data = None if body is None else json.dumps(body).encode()
    try:
        with DIRECT.open(request, data, timeout=timeout_seconds) as response:
            return json.loads(response.read() or b"{}")
    except urllib.error.HTTPError as error:
        said = error.read().decode("utf-8", errors="replace")
        raise StackError(f"Flink refused {method} {path}: {root_cause(errors_of(said))}", REMEDY) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise StackError(f"Flink does not answer at {address} ({reason})", "run `tollgate up`") from error
    except ValueError as error:
        raise not_flink(address) from error


def not_flink(address: str) -> StackError:
    cause = f"what answers at {address} is not Flink"
    return StackError(cause, "run `tollgate down` and `tollgate up` for other ports")


def errors_of(body: str) -> str:
    """Return the messages inside a refusal."""
    try:
        return "\n".join(json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError):
        return body


TRANSACTION_LOST = "Kafka transaction lost"
"""What tollgate.jvm.LoudCommitter says around a cause of Kafka's, which by itself reads like one of many."""


def root_cause(stack_trace: str) -> str:
    """Return the innermost cause of a Java stack trace in one line; a lost transaction is one, whatever Kafka says."""
    lines = [line.strip() for line in stack_trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    informative = [line for line in lines if not line.startswith(("at ", "Internal server error", "<Exception"))]
    told = [cause for cause in causes if TRANSACTION_LOST in cause] or causes
    return told[-1] if told else next(iter(informative), "no reason given")
