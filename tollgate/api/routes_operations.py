"""Routes about the installation, and about surge, which is the same for all."""

import asyncio
import time
from typing import Any

from fastapi import APIRouter, Request

from tollgate.api.asking import AnyCaller, ask
from tollgate.api.operations import operations as look

router = APIRouter()

FRESH_SECONDS = 2.0
"""How old an answer about the installation may be: many may watch, and it takes a second to look."""


@router.get("/v1/surge", tags=["customer"])
async def surge(request: Request, caller: AnyCaller) -> list[dict[str, str]]:  # noqa: ARG001 - any key will do
    """Return the surge factors by price book, meter and dimension value: the newest interval, and the one before."""
    found: list[dict[str, str]] = await ask(request, request.app.state.surge)
    return found


@router.get("/v1/operations", tags=["operations"])
async def operations(request: Request, caller: AnyCaller) -> dict[str, Any]:
    """Return jobs, lag, checkpoints, dead letters, hot customers and the last verification. For keys of operations."""
    caller.must_operate()
    state = request.app.state
    lock: asyncio.Lock = state.operations_lock
    async with lock:
        made, found = state.operations_seen
        if time.monotonic() - made > FRESH_SECONDS:
            found = dict(await ask(request, look))
            state.operations_seen = time.monotonic(), found
    answer: dict[str, Any] = found
    return answer
