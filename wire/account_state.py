"""What is to be billed to a customer as versioned bytes; as `wire.customer_state`, golden bytes in tests/golden."""

from collections.abc import Iterable
from functools import lru_cache

from billing.calendar import Calendar
from billing.invoicing.account import Account, Book, BookAccount, Spend, Usage
from billing.invoicing.usage_lines import Part, Sum, UsageKey
from wire.charges import charge_from, charge_message
from wire.customer_state import UnknownStateFormatError
from wire.numbers import as_int64
from wire.v1 import state_pb2

FORMAT = 1

READABLE = (FORMAT,)

_PARTS = {int(part): part for part in Part}


def encode_account(account: Account) -> bytes:
    """Return the bytes of a customer's account."""
    message = state_pb2.AccountState(format=FORMAT, number=account.number)
    for own in account.books.values():
        _put_book(own, message.books.add())
    return message.SerializeToString()


def _put_book(own: BookAccount, into: state_pb2.BookAccountState) -> None:
    book = own.book
    into.price_book = book.id
    into.currency = book.currency
    into.timezone = book.calendar.timezone
    into.lateness_ms = book.lateness_ms
    for cycle, usage in own.cycles.items():
        _put_usage(cycle, usage, into.cycles.add())
    for day, usage in own.days.items():
        _put_usage(day, usage, into.days.add())
    if own.charges:
        into.charges.extend(map(charge_message, own.charges))
    for cycle, one in own.spend.items():
        into.spend.add(cycle=cycle, picos=str(one.picos), minimum_picos=str(one.minimum_picos))
    into.credit_used_picos = str(own.credit_used_picos)
    into.open_from_ms = own.open_from_ms
    into.through_charge = own.through_charge
    into.untouched = own.untouched


def _put_usage(period: str, usage: Usage, into: state_pb2.UsageState) -> None:
    into.period = period
    into.through_sequence = usage.through_sequence
    for key, total in usage.tally.items():
        _put_sum(key, total, into.sums.add())
    if usage.credit_picos:
        into.credit_picos = str(usage.credit_picos)


def _put_sum(key: UsageKey, total: Sum, into: state_pb2.UsageSum) -> None:
    into.corrects, into.meter, into.part, into.name, into.terms = key
    into.quantity = as_int64(total.quantity)
    into.picos = str(total.picos)
    into.first_unit = total.first_unit


def decode_account(customer_id: str, data: bytes | None) -> Account:
    """Return a customer's account; None: a customer that was never seen.

    Raises UnknownStateFormatError for a format of a later release.
    """
    if data is None:
        return Account(customer_id)
    message = state_pb2.AccountState.FromString(data)
    if message.format != FORMAT:
        raise UnknownStateFormatError(f"account format {message.format} of {customer_id}; this release reads {FORMAT}")
    return Account(customer_id, message.number, {one.price_book: _book_account(one) for one in message.books})


def _book_account(one: state_pb2.BookAccountState) -> BookAccount:
    return BookAccount(
        _book(one.price_book, one.currency, one.timezone, one.lateness_ms),
        _usage(one.cycles),
        _usage(one.days),
        [charge_from(charge) for charge in one.charges],
        {spend.cycle: Spend(int(spend.picos), int(spend.minimum_picos)) for spend in one.spend},
        int(one.credit_used_picos),
        one.open_from_ms,
        one.through_charge,
        one.untouched,
    )


@lru_cache(maxsize=1024)
def _book(name: str, currency: str, timezone: str, lateness_ms: int) -> Book:
    return Book(name, currency, Calendar(timezone=timezone), lateness_ms)


def _usage(messages: Iterable[state_pb2.UsageState]) -> dict[str, Usage]:
    return {
        one.period: Usage(dict(map(_sum, one.sums)), one.through_sequence, int(one.credit_picos or 0))
        for one in messages
    }


def _sum(one: state_pb2.UsageSum) -> tuple[UsageKey, Sum]:
    key = UsageKey(one.corrects, one.meter, _PARTS[one.part], one.name, one.terms)
    return key, Sum(one.quantity, int(one.picos), one.first_unit)
