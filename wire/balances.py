"""Balances as messages, and as fields in Redis."""

from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as _quoted
from typing import NamedTuple

from billing.balances import Balance, CustomerBalance, Line, MeterBalance
from wire.open_sessions import open_fields
from wire.v1 import billing_pb2

QUANTITY = "quantity:"
AMOUNT = "amount:"

_CYCLE_CLOSE = billing_pb2.BillingRecord.Kind.CYCLE_CLOSE


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


def live_fields(balance: Balance, only: frozenset[str] | None = None) -> list[str]:
    """Return the live fields of a balance's hash in Redis (contract, section 8): names and values in turn.

    Those that are not of a meter are all there every time: a `credit` that is left out is gone.
    """
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
    fields = live_fields(balances.live) + settled_fields(balances.settled) + open_fields(balances.open)
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
    open: bool = False


WHOLE = Part(live=True, settled=True, whole=True, open=True)


def redis_update(balances: CustomerBalance, part: Part) -> str:
    """Return an update as the script of `sinks.redis` takes it; what is not written has the sequence -1 or none.

    JSON that is put together here, once a record, costs a third of what `json.dumps` takes for it.
    """
    live, settled = balances.live, balances.settled
    running = ""
    if part.open:
        running = f',"open_change":{balances.open.change},"open":{_array(open_fields(balances.open))}'
    return (
        f'{{"whole":{"true" if part.whole else "false"},'
        f'"live_after":{part.live_after},"settled_after":{part.settled_after},"cycle":{_quoted(live.cycle)},'
        f'"live_sequence":{live.sequence if part.live else -1},'
        f'"settled_sequence":{settled.sequence if part.settled else -1},'
        f'"live":{_array(live_fields(live, part.meters) if part.live else ())},'
        f'"settled":{_array(settled_fields(settled) if part.settled else ())}{running}}}'
    )


def _array(texts: Iterable[str]) -> str:
    return "[" + ",".join(map(_quoted, texts)) + "]"
