"""Routes about the installation, and about surge, which is the same for all."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from tollgate.api.asking import AnyCaller, ask
from tollgate.api.operations import operations as look
from tollgate.api.operations import send_again
from tollgate.api.problems import ProblemBody, invalid
from wire.v1 import billing_pb2

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


_BUSY: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemBody, "description": "another request sends dead letters again"}
}


@router.post("/v1/operations/deadletters/replay", tags=["operations"], responses=_BUSY)
async def replay_dead_letters(
    request: Request,
    caller: AnyCaller,
    reason: Annotated[str, Query(description="of this reason alone", examples=["NO_PRICE"])] = "",
) -> dict[str, int]:
    """Send dead letters of the last 24 hours again, unchanged, each at most once. For keys of operations.

    `sent` now, 2,000 at most, `sent_before`, `left_alone` (of topics that events do not come from), `remaining` for
    another request.
    """
    caller.must_operate()
    if reason and reason not in billing_pb2.DeadLetter.Reason.keys():  # noqa: SIM118 - an enum wrapper, not a dict
        raise invalid(f"reason: {reason} is none", "use one that /v1/operations shows, such as NO_PRICE")
    return await ask(request, lambda context: send_again(context, reason, request.app.state.sending_again))
