"""The balance of a customer as the API says it, from the fields of the hash in Redis (contract, section 8)."""

from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel, ConfigDict

from sinks.redis import KEY_PREFIX
from tollgate.api.problems import not_found
from tollgate.local.errors import StackError
from wire.balances import AMOUNT, QUANTITY

ReadHash = Callable[[str], Awaitable[Mapping[str, str]]]
"""Gives the hash at a key of Redis, an empty one where there is none; raises StackError where Redis is away."""


class Side(BaseModel):
    """What is owed in a cycle, through which record, and how old that is. Money is exact decimal text."""

    model_config = ConfigDict(frozen=True)

    cycle: str
    total: str
    sequence: int
    as_of_ms: int
    age_ms: int


class MeterUse(BaseModel):
    """The units of a meter in the live cycle, free ones included, and what they cost."""

    meter: str
    quantity: int
    amount: str


class OpenCalls(BaseModel):
    """Sessions that run, and what they would cost if each ended at its phase last seen. Not billed yet."""

    sessions: int
    total: str
    currency: str
    age_ms: int


class BalanceBody(BaseModel):
    """A customer's balance: live and settled, and each meter."""

    customer_id: str
    currency: str
    live: Side
    settled: Side
    meters: list[MeterUse]
    credit: str | None
    open: OpenCalls | None


async def balance_of(read: ReadHash, customer: str, now_ms: int) -> dict[str, object]:
    """Return a customer's balance as plain data of `BalanceBody`. Raises Problem for one without, and StackError."""
    fields = await read(KEY_PREFIX + customer)
    if not fields:
        raise not_found(customer)
    try:
        return plain_balance(customer, fields, now_ms)
    except ValueError as error:
        raise StackError(f"the balance of {customer} is damaged: {error}", "run `tollgate balances rebuild`") from error


def plain_balance(customer: str, fields: Mapping[str, str], now_ms: int) -> dict[str, object]:
    """Return the balance that a hash holds. Raises ValueError where a number is none."""
    return {
        "customer_id": customer,
        "currency": fields.get("currency", ""),
        "live": _side(fields, "live", fields.get("cycle", ""), now_ms),
        "settled": _side(fields, "settled", fields.get("settled_cycle", ""), now_ms),
        "meters": [
            {
                "meter": name[len(QUANTITY) :],
                "quantity": int(fields[name]),
                "amount": fields.get(AMOUNT + name[len(QUANTITY) :], ""),
            }
            for name in sorted(fields)
            if name.startswith(QUANTITY)
        ],
        "credit": fields.get("credit"),
        "open": _open(fields, now_ms),
    }


def _side(fields: Mapping[str, str], side: str, cycle: str, now_ms: int) -> dict[str, object]:
    as_of_ms = int(fields.get(f"{side}_as_of_ms") or 0)
    return {
        "cycle": cycle,
        "total": fields.get(f"{side}_total") or "0",
        "sequence": int(fields.get(f"{side}_sequence") or 0),
        "as_of_ms": as_of_ms,
        "age_ms": now_ms - as_of_ms if as_of_ms else 0,
    }


def _open(fields: Mapping[str, str], now_ms: int) -> dict[str, object] | None:
    if "open_sessions" not in fields:
        return None
    return {
        "sessions": int(fields["open_sessions"]),
        "total": fields.get("open_total", ""),
        "currency": fields.get("open_currency", ""),
        "age_ms": now_ms - int(fields.get("open_as_of_ms") or 0),
    }
