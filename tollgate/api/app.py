"""The application: what it is made of, and how its errors look."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from threading import Lock
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tollgate.api import pages, routes, routes_alerts, routes_operations
from tollgate.api.alerts import AlertHub, AlertReader
from tollgate.api.balances import ReadHash
from tollgate.api.front import App, Front
from tollgate.api.gate import Gate
from tollgate.api.problems import Problem, ProblemBody, of_stack
from tollgate.api.reading import Reading
from tollgate.context import Context
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError

ABOUT = """Balances, bills, prices and alerts of Tollgate.

Money is exact decimal text. Messages of the log are in the protobuf JSON mapping: 64-bit numbers are text.
A customer that a key does not reach is answered as one that does not exist."""
_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody, "description": text}
    for status, text in {
        401: "no valid key",
        404: "nothing is known of it, or the key does not reach it",
        422: "a parameter says what it may not",
        429: "the key has made too many requests; Retry-After says how long to wait",
        503: "Redis, Kafka or Flink is away, or too many questions wait",
    }.items()
}


class Parts(NamedTuple):
    """What the application is made of; tests make parts of their own."""

    gate: Gate
    read_hash: ReadHash
    hub: AlertHub
    make_context: Callable[[], Context]
    surge: Callable[[Context], list[dict[str, str]]]
    close: Callable[[], None] = lambda: None
    follow_alerts: bool = True


def application(parts: Parts) -> App:
    """Return the whole application: the fast way to balances, and the framework behind it."""
    return Front(framework(parts), parts.gate, parts.read_hash)


def framework(parts: Parts) -> FastAPI:
    """Return the application without the fast way to balances."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reader = app.state.alerts = _start_alerts(app, parts) if parts.follow_alerts else None
        yield
        if reader is not None:
            reader.end()
        app.state.reading.close()
        parts.close()

    app = FastAPI(
        title="Tollgate", version="1", description=ABOUT, responses=_DOCUMENTED, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json", redirect_slashes=False,
    )  # fmt: skip
    app.state.gate, app.state.read_hash, app.state.surge = parts.gate, parts.read_hash, parts.surge
    app.state.reading, app.state.hub = Reading(parts.make_context), parts.hub
    app.state.alerts = None
    app.state.operations_lock, app.state.operations_seen = asyncio.Lock(), (float("-inf"), {})
    app.state.sending_again = Lock()
    for part in (routes, routes_alerts, routes_operations, pages):
        app.include_router(part.router)
    _explain_errors(app)
    return app


def _start_alerts(app: FastAPI, parts: Parts) -> AlertReader:
    loop = asyncio.get_running_loop()

    def hand_on(found: list[LogRecord]) -> None:
        loop.call_soon_threadsafe(app.state.hub.publish, found)

    reader = AlertReader(parts.make_context, hand_on)
    reader.start()
    return reader


def _explain_errors(app: FastAPI) -> None:
    """Give every error the one shape."""

    async def on_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return answer(error)

    async def on_stack(_: Request, error: Exception) -> Response:
        assert isinstance(error, StackError)
        return answer(of_stack(error))

    async def on_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(_of_validation(error))

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return answer(Problem(status, status.description or status.phrase, "see /v1/openapi.json", error.headers))

    async def on_bug(_: Request, __: Exception) -> Response:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return answer(Problem(status, "this is a fault of the service", "operators find it in the server's log"))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(StackError, on_stack)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)


def answer(problem: Problem) -> Response:
    """Return the response that says a problem."""
    return Response(problem.json(), problem.body.status, problem.headers, "application/json")


def _of_validation(error: RequestValidationError) -> Problem:
    wrong = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, wrong, "see /v1/openapi.json for the parameters")
