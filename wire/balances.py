"""Balances as messages, as the state of the balances job, and as fields in Redis."""

import json
from typing import NamedTuple

from billing.balances import Balance, CustomerBalance, Line, MeterBalance
from wire.v1 import billing_pb2, state_pb2

FORMAT = 1

QUANTITY = "quantity:"
AMOUNT = "amount:"

_CYCLE_CLOSE = billing_pb2.BillingRecord.Kind.CYCLE_CLOSE


class UnknownBalanceFormatError(Exception):
    """A savepoint holds a balance that this release cannot read."""


def line_of(record: billing_pb2.BillingRecord) -> Line:
    """Return what a balance takes from a record."""
    return Line(
        record.sequence,
        max(record.clock_ms, record.event_time_ms),
        record.price_book.id,
        record.cycle,
        record.currency,
        record.cycle_total,
        record.meter,
        record.cycle_quantity,
        record.cycle_amount,
        record.kind == _CYCLE_CLOSE,
        record.credit,
    )


def balance_message(customer_id: str, balance: Balance) -> billing_pb2.Balance:
    """Return the message of a balance, its meters in order."""
    message = billing_pb2.Balance(
        customer_id=customer_id,
        cycle=balance.cycle,
        currency=balance.currency,
        total=balance.total,
        sequence=balance.sequence,
        as_of_ms=balance.as_of_ms,
        price_book=balance.price_book,
        credit=balance.credit,
    )
    for name in sorted(balance.meters):
        meter = balance.meters[name]
        message.meters.add(meter=name, quantity=meter.quantity, amount=meter.amount)
    return message


def balance_of(message: billing_pb2.Balance) -> Balance:
    """Return the balance of a message."""
    meters = {one.meter: MeterBalance(one.quantity, one.amount) for one in message.meters}
    return Balance(
        message.sequence,
        message.as_of_ms,
        message.price_book,
        message.cycle,
        message.currency,
        message.total,
        message.credit,
        meters,
    )


def encode_balances(balances: CustomerBalance) -> bytes:
    """Return the bytes of a customer's balances as state."""
    return state_pb2.BalanceState(
        format=FORMAT,
        live=balance_message("", balances.live),
        settled=balance_message("", balances.settled),
    ).SerializeToString()


def decode_balances(data: bytes | None) -> CustomerBalance:
    """Return a customer's balances; None: one without records.

    Raises UnknownBalanceFormatError for a format of a later release.
    """
    if data is None:
        return CustomerBalance()
    message = _state(data)
    return CustomerBalance(balance_of(message.live), balance_of(message.settled))


def _state(data: bytes) -> state_pb2.BalanceState:
    message = state_pb2.BalanceState.FromString(data)
    if message.format != FORMAT:
        raise UnknownBalanceFormatError(f"balance format {message.format}; this release reads {FORMAT}")
    return message


def decode_live(data: bytes) -> CustomerBalance:
    """Return a customer's live balance alone; of the settled one there is the sequence, and nothing else."""
    message = _state(data)
    return CustomerBalance(balance_of(message.live), Balance(message.settled.sequence))


def with_live(data: bytes, live: Balance) -> bytes:
    """Return state with another live balance, and the settled one as it was."""
    message = _state(data)
    message.live.CopyFrom(balance_message("", live))
    return message.SerializeToString()


def live_fields(balance: Balance, only: frozenset[str] | None = None) -> list[str]:
    """Return the live fields of a balance's hash in Redis (contract, section 8): names and values in turn."""
    fields = ["cycle", balance.cycle, "currency", balance.currency, "live_total", balance.total]
    fields += ["live_sequence", str(balance.sequence), "live_as_of_ms", str(balance.as_of_ms)]
    if balance.credit:
        fields += ["credit", balance.credit]
    for name, meter in balance.meters.items():
        if only is None or name in only:
            fields += [QUANTITY + name, str(meter.quantity), AMOUNT + name, meter.amount]
    return fields


def settled_fields(balance: Balance) -> list[str]:
    """Return the settled fields of a balance's hash in Redis: names and values in turn."""
    fields = ["settled_total", balance.total, "settled_sequence", str(balance.sequence)]
    return [*fields, "settled_as_of_ms", str(balance.as_of_ms), "settled_cycle", balance.cycle]


def hash_of(balances: CustomerBalance) -> dict[str, str]:
    """Return the whole hash of a customer."""
    fields = live_fields(balances.live) + settled_fields(balances.settled)
    return dict(zip(fields[::2], fields[1::2], strict=True))


class Part(NamedTuple):
    """What is to be written of one customer's balances; `meters`: those of the live one that changed, None: all.

    `whole` replaces the hash: fields that are not in it go. Any other part is of use only to a
    hash that has all records up to the numbers `live_after` and `settled_after`.
    """

    live: bool
    settled: bool
    whole: bool = False
    meters: frozenset[str] | None = None
    live_after: int = 0
    settled_after: int = 0


WHOLE = Part(live=True, settled=True, whole=True)


def redis_update(balances: CustomerBalance, part: Part) -> str:
    """Return an update as the script of `sinks.redis` takes it; what is not written has the sequence -1."""
    live, settled = balances.live, balances.settled
    return json.dumps(
        {
            "whole": part.whole,
            "live_after": part.live_after,
            "settled_after": part.settled_after,
            "cycle": live.cycle,
            "live_sequence": live.sequence if part.live else -1,
            "settled_sequence": settled.sequence if part.settled else -1,
            "live": live_fields(live, part.meters) if part.live else [],
            "settled": settled_fields(settled) if part.settled else [],
        }
    )
