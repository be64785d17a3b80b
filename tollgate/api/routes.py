"""Routes about one customer. The customer is a query parameter: ids may hold a slash, and `..` is one, too."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from pydantic import BaseModel
from starlette.responses import Response

from billing.validity import MAX_QUANTITY
from sinks.redis import KEY_PREFIX
from tollgate.api import answers
from tollgate.api.asking import AnyCaller, Customer, ask
from tollgate.api.balances import BalanceBody, balance_of
from tollgate.api.invoice_pages import html_response
from tollgate.api.prices import prices_of
from tollgate.api.quoting import event_of, quoted
from tollgate.invoice_pdf import pdf_of
from tollgate.times import now_ms

router = APIRouter()

_LAST_SEQUENCE = 2**63 - 1
Number = Annotated[int, InPath(ge=1, le=_LAST_SEQUENCE, description="of the invoice, or of the note")]
Note = Annotated[bool, Query(description="the credit or debit note of that number instead")]
Time = Annotated[str, Query(max_length=40, description="2026-11 (its end), 2026-11-05 (its end), or an instant; now")]
Cycle = Annotated[str, Query(max_length=7, pattern=r"^(\d{4}-\d\d)?$", description="such as 2026-11")]
Message = dict[str, Any]


class Health(BaseModel):
    """That the server answers, and whether Redis does."""

    status: Literal["ok", "degraded"]
    redis: bool


class Me(BaseModel):
    """What a key is for."""

    name: str
    reaches: Literal["customer", "tenant", "operations"]
    scope: str
    rate: float


class Records(BaseModel):
    """A page of `BillingRecord`s; `next_after` is the `after` of the next page, null on the last."""

    records: list[Message]
    next_after: int | None


@router.get("/v1/health", tags=["service"])
async def health(request: Request) -> Health:
    """Tell whether the service works. Needs no key; always 200, for the process answers."""
    try:
        await request.app.state.read_hash(f"{KEY_PREFIX}-")
    except Exception:  # noqa: BLE001 - whatever keeps Redis from answering is the answer
        return Health(status="degraded", redis=False)
    return Health(status="ok", redis=True)


@router.get("/v1/me", tags=["service"])
async def me(caller: AnyCaller) -> Me:
    """Tell what the key is for."""
    scope = caller.key.scope
    reaches: Literal["customer", "tenant", "operations"]
    reaches = "operations" if scope.is_operations else "tenant" if scope.is_tenant else "customer"
    return Me(name=caller.key.name, reaches=reaches, scope=scope.customer or scope.text, rate=caller.key.rate)


@router.get("/v1/balance", tags=["customer"], response_model=BalanceBody)
async def balance(request: Request, customer: Customer) -> Any:
    """Return what a customer owes, live and settled, and how old each is. From Redis alone."""
    return await balance_of(request.app.state.read_hash, customer, now_ms())


@router.get("/v1/records", tags=["customer"])
async def records(
    request: Request,
    customer: Customer,
    cycle: Cycle = "",
    after: Annotated[int, Query(ge=0, le=_LAST_SEQUENCE, description="the last number that is known")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Records:
    """Return committed billing records in the order of their numbers, a page at a time."""
    question = partial(answers.records_page, customer=customer, cycle=cycle, after=after, limit=limit)
    return Records.model_validate(await ask(request, question))


@router.get("/v1/records/{sequence}/explanation", tags=["customer"])
async def explanation(
    request: Request, customer: Customer, sequence: Annotated[int, InPath(ge=1, le=_LAST_SEQUENCE)]
) -> Message:
    """Return a record and, in sentences, why it costs what it costs, back to its source in the log."""
    return dict(await ask(request, partial(answers.explanation, customer=customer, sequence=sequence)))


@router.get("/v1/spending", tags=["customer"])
async def spending(request: Request, customer: Customer, cycle: Cycle = "") -> Message:
    """Return what the records of a cycle, the newest by default, come to by day and meter."""
    return dict(await ask(request, partial(answers.spending, customer=customer, cycle=cycle)))


@router.get("/v1/prices", tags=["customer"])
async def prices(request: Request, customer: Customer) -> Message:
    """Return the prices in force: each meter's tiers and where the customer stands, promotions, the contract."""
    return dict(await ask(request, partial(prices_of, customer=customer, at_ms=now_ms())))


@router.get("/v1/bill", tags=["customer"])
async def bill(request: Request, customer: Customer, as_of: Time = "", known_at: Time = "") -> list[Message]:
    """Return the bill of a cycle up to a time, from what was known at a time; what lies ahead is predicted."""
    found = await ask(request, partial(answers.bill, customer=customer, as_of=as_of, known_at=known_at))
    return [dict(one) for one in found]


@router.get("/v1/quote", tags=["customer"])
async def quote(
    request: Request,
    customer: Customer,
    meter: Annotated[str, Query(min_length=1, max_length=128)],
    quantity: Annotated[int, Query(ge=1, le=MAX_QUANTITY)],
    at: Annotated[str, Query(max_length=40, description="an instant; now")] = "",
    dimension: Annotated[list[str] | None, Query(max_length=32, description="NAME=VALUE")] = None,
) -> Message:
    """Return what a use would cost the customer, and why. Charges nothing."""
    event = event_of(customer, meter, quantity, at, dimension or [])
    return dict(await ask(request, partial(quoted, event=event)))


@router.get("/v1/invoices", tags=["customer"])
async def invoices(request: Request, customer: Customer) -> list[Message]:
    """Return the committed invoices, daily bills and notes of a customer, without their lines."""
    return [dict(one) for one in await ask(request, partial(answers.invoice_list, customer=customer))]


@router.get("/v1/invoices/{number}", tags=["customer"])
async def invoice(request: Request, customer: Customer, number: Number, note: Note = False) -> Message:
    """Return one invoice or note."""
    return dict(await ask(request, partial(answers.invoice, customer=customer, number=number, note=note)))


@router.get(
    "/v1/invoices/{number}/html", tags=["customer"], response_class=Response,
    responses={HTTPStatus.OK: {"content": {"text/html": {}}, "description": "the page"}},
)  # fmt: skip
async def invoice_html(request: Request, customer: Customer, number: Number, note: Note = False) -> Response:
    """Return one invoice or note as a page."""
    found = await ask(request, partial(answers.document, customer=customer, number=number, note=note))
    return html_response(found)


@router.get(
    "/v1/invoices/{number}/pdf", tags=["customer"], response_class=Response,
    responses={HTTPStatus.OK: {"content": {"application/pdf": {}}, "description": "the page"}},
)  # fmt: skip
async def invoice_pdf(request: Request, customer: Customer, number: Number, note: Note = False) -> Response:
    """Return one invoice or note as a PDF."""
    question = partial(answers.document, customer=customer, number=number, note=note)
    made = await ask(request, lambda context: pdf_of(question(context)))
    name = f"{'note' if note else 'invoice'}-{number}.pdf"
    return Response(made, headers={"content-disposition": f'inline; filename="{name}"'}, media_type="application/pdf")
