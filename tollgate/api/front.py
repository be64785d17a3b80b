"""Answers for balances, ahead of the framework: one look at the key, one at Redis, one line of JSON.

The same answer as the framework's route gives, at a fifth of the cost; a test holds the two against each other.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from tollgate.api.balances import ReadHash, balance_of
from tollgate.api.gate import Gate
from tollgate.api.problems import Problem, invalid, of_stack
from tollgate.local.errors import StackError
from tollgate.times import now_ms

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

BALANCE_PATH = "/v1/balance"
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # made once: `dumps` makes one a call
_SAFE = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""What every response says, unless it says something else itself."""
_HEADERS = [(b"content-type", b"application/json"), *_SAFE.items()]


class Front:
    """An ASGI application before another one, which gets all that is not a balance."""

    def __init__(self, behind: App, gate: Gate, read: ReadHash) -> None:
        self._behind = behind
        self._gate = gate
        self._read = read

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != BALANCE_PATH or scope["method"] != "GET":
            await self._behind(scope, receive, _with_safe_headers(send))
            return
        headers = _HEADERS
        try:
            status, body = 200, await self._body(scope)
        except Problem as problem:
            status, body = problem.body.status, problem.json()
            headers = [*_HEADERS, *((name.lower().encode(), value.encode()) for name, value in problem.headers.items())]
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    async def _body(self, scope: Message) -> bytes:
        try:
            caller = self._gate.admit(_authorization(scope))
            customer = customer_in(scope["query_string"])
            caller.must_reach(customer)
            found = await balance_of(self._read, customer, now_ms())
        except StackError as error:
            raise of_stack(error) from error
        return _ENCODE(found).encode()


def _with_safe_headers(send: Any) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in _SAFE.items() if one[0] not in said)]
        await send(message)

    return sending


def _authorization(scope: Message) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")


def customer_in(query: bytes) -> str:
    """Return the parameter `customer` of a query. Raises Problem where it is not there once."""
    found = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("customer", [])
    if len(found) != 1:
        raise invalid("the parameter `customer` is missing or there twice", "ask for /v1/balance?customer=ID")
    return found[0]
