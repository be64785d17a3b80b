"""Alerts as server-sent events."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from tollgate.api.alerts import AlertHub, AlertReader, parse_position, past, stream
from tollgate.api.asking import AnyCaller, ask
from tollgate.api.gate import Caller, Gate
from tollgate.api.problems import Problem

router = APIRouter()


@router.get(
    "/v1/alerts", tags=["customer"], response_class=StreamingResponse,
    responses={HTTPStatus.OK: {"content": {"text/event-stream": {}}, "description": "events named `alert`"}},
)  # fmt: skip
async def alerts(
    request: Request,
    caller: AnyCaller,
    customer: Annotated[str, Query(description="whose; all that the key reaches by default")] = "",
    recent: Annotated[int, Query(ge=0, le=100, description="so many of the past first")] = 0,
    last_event_id: Annotated[str, Header(max_length=4096, description="go on after this one")] = "",
) -> StreamingResponse:
    """Follow billing.alerts, committed ones alone. Ends when the key is removed."""
    if customer:
        caller.must_reach(customer)
    after = parse_position(last_event_id)
    reaches = partial(_reaches, caller, customer)
    reader: AlertReader | None = request.app.state.alerts
    if reader is not None and not reader.knows_where_it_began:
        cause = "billing.alerts is not being read yet"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, cause, "ask again in a moment", {"Retry-After": "1"})
    hub: AlertHub = request.app.state.hub
    number, listener = hub.join(reaches, caller.key.digest)
    try:
        begun = await ask(request, partial(past, reaches=reaches, after=after, recent=recent))
    except BaseException:
        hub.leave(number)
        raise
    gate: Gate = request.app.state.gate
    still_admitted = partial(gate.knows, caller)
    return StreamingResponse(stream(hub, (number, listener), begun, still_admitted), media_type="text/event-stream")


def _reaches(caller: Caller, customer: str, whose: str) -> bool:
    return whose == customer if customer else caller.key.scope.reaches(whose)
