"""What routes share: who asks, for whom, and where the answer comes from."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer

from tollgate.api.gate import Caller, Gate
from tollgate.api.reading import Reading
from tollgate.context import Context

T = TypeVar("T")

_DOCUMENTED = HTTPBearer(auto_error=False, description="a key of `tollgate api keys add`")


def _caller(request: Request, _: Annotated[object, Security(_DOCUMENTED)]) -> Caller:
    gate: Gate = request.app.state.gate
    return gate.admit(request.headers.get("authorization", ""))


AnyCaller = Annotated[Caller, Depends(_caller)]


def _customer(
    caller: AnyCaller,
    customer: Annotated[str, Query(description="customer_id, such as acme or tenant/acme", examples=["acme"])],
) -> str:
    caller.must_reach(customer)
    return customer


Customer = Annotated[str, Depends(_customer)]
"""A customer that the key reaches."""


async def ask(request: Request, question: Callable[[Context], T]) -> T:
    """Ask the log."""
    reading: Reading = request.app.state.reading
    return await reading.ask(question)
