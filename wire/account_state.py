"""What is to be billed to a customer as versioned bytes; as `wire.customer_state`, golden bytes in tests/golden."""

from collections.abc import Iterable, Mapping

from billing.calendar import Calendar
from billing.invoicing.account import Account, Book, BookAccount, Spend, Usage
from billing.invoicing.usage_lines import Part, Sum, UsageKey
from wire.charges import charge_from, charge_message
from wire.customer_state import UnknownStateFormatError
from wire.v1 import state_pb2

FORMAT = 1


def encode_account(account: Account) -> bytes:
    """Return the bytes of a customer's account."""
    books = [_book_message(own) for own in account.books.values()]
    return state_pb2.AccountState(format=FORMAT, number=account.number, books=books).SerializeToString()


def _book_message(own: BookAccount) -> state_pb2.BookAccountState:
    return state_pb2.BookAccountState(
        price_book=own.book.id,
        currency=own.book.currency,
        timezone=own.book.calendar.timezone,
        lateness_ms=own.book.lateness_ms,
        cycles=_usage_messages(own.cycles),
        days=_usage_messages(own.days),
        charges=map(charge_message, own.charges),
        spend=[
            state_pb2.SpendState(cycle=cycle, picos=str(one.picos), minimum_picos=str(one.minimum_picos))
            for cycle, one in own.spend.items()
        ],
        credit_used_picos=str(own.credit_used_picos),
        open_from_ms=own.open_from_ms,
        through_charge=own.through_charge,
    )


def _usage_messages(usage: Mapping[str, Usage]) -> list[state_pb2.UsageState]:
    return [
        state_pb2.UsageState(
            period=period,
            through_sequence=one.through_sequence,
            sums=[_sum_message(key, total) for key, total in one.tally.items()],
        )
        for period, one in usage.items()
    ]


def _sum_message(key: UsageKey, total: Sum) -> state_pb2.UsageSum:
    return state_pb2.UsageSum(
        corrects=key.corrects,
        meter=key.meter,
        part=key.part,
        name=key.name,
        terms=key.terms,
        quantity=total.quantity,
        picos=str(total.picos),
        first_unit=total.first_unit,
    )


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
        Book(one.price_book, one.currency, Calendar(timezone=one.timezone), one.lateness_ms),
        _usage(one.cycles),
        _usage(one.days),
        [charge_from(charge) for charge in one.charges],
        {spend.cycle: Spend(int(spend.picos), int(spend.minimum_picos)) for spend in one.spend},
        int(one.credit_used_picos),
        one.open_from_ms,
        one.through_charge,
    )


def _usage(messages: Iterable[state_pb2.UsageState]) -> dict[str, Usage]:
    return {one.period: Usage(dict(map(_sum, one.sums)), one.through_sequence) for one in messages}


def _sum(one: state_pb2.UsageSum) -> tuple[UsageKey, Sum]:
    key = UsageKey(one.corrects, one.meter, Part(one.part), one.name, one.terms)
    return key, Sum(one.quantity, int(one.picos), one.first_unit)
