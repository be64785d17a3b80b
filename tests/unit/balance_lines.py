"""Builders of what balances are folded from: a test names what matters to it."""

from collections.abc import Sequence

from hypothesis import strategies as st

from billing.balances import Balance, CustomerBalance, Line, OpenCalls
from wire.v1 import billing_pb2

METERS = ("api.calls", "sms.outbound", "voice")
CYCLES = ("2026-10", "2026-11", "2026-12")


def line(sequence: int, meter: str = "calls", total: str = "", **fields: object) -> Line:
    """Return a record's line in 2026-11; its total and the meter's amount are its number unless named."""
    amount = total or str(sequence)
    plain = Line(sequence, 1000 * sequence, "standard", "2026-11", "USD", amount, meter, sequence, amount, closes=False)
    return plain._replace(**fields)


def record(sequence: int, customer: str = "acme", meter: str = "calls", **fields: object) -> billing_pb2.BillingRecord:
    """Return a record as a message, with the same numbers as `line`."""
    message = billing_pb2.BillingRecord(
        customer_id=customer,
        sequence=sequence,
        kind=billing_pb2.BillingRecord.Kind.USAGE,
        meter=meter,
        cycle="2026-11",
        currency="USD",
        cycle_total=str(sequence),
        cycle_quantity=sequence,
        cycle_amount=str(sequence),
        clock_ms=1000 * sequence,
    )
    message.price_book.id = "standard"
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def record_of(one: Line, customer: str = "acme") -> billing_pb2.BillingRecord:
    """Return the record that a line is taken from."""
    kinds = billing_pb2.BillingRecord.Kind
    message = record(
        one.sequence,
        customer,
        one.meter,
        kind=kinds.CYCLE_CLOSE if one.closes else kinds.USAGE,
        cycle=one.cycle,
        currency=one.currency,
        cycle_total=one.total,
        cycle_quantity=one.quantity,
        cycle_amount=one.amount,
        clock_ms=one.as_of_ms,
        credit=one.credit,
    )
    message.price_book.id = one.price_book
    return message


def folded(lines: Sequence[Line]) -> Balance:
    """Return the balance after records, one by one."""
    balance = Balance()
    for one in lines:
        balance.take(one)
    return balance


def latest(lines: Sequence[Line]) -> list[Line]:
    """Return what tollgate.jvm.LatestRecords passes on: the last of each customer's price book, cycle and meter."""
    return list({(one.price_book, one.cycle, one.meter): one for one in lines}.values())


def settled(lines: Sequence[Line]) -> CustomerBalance:
    """Return both balances after committed records alone."""
    balances = CustomerBalance()
    balances.take_settled(lines)
    return balances


def calls(change: int, sessions: int = 1, **fields: object) -> OpenCalls:
    """Return what is said of sessions that run; they cost the number of the change unless named."""
    plain = OpenCalls(change, sessions, str(change), "USD", sequence=0, as_of_ms=1000 * change)
    return plain._replace(**fields)


def open_record(change: int, customer: str = "acme", sessions: int = 1) -> billing_pb2.OpenSessions:
    """Return that as a message."""
    said = calls(change, sessions)
    return billing_pb2.OpenSessions(
        customer_id=customer,
        change=said.change,
        sequence=said.sequence,
        sessions=said.sessions,
        amount=said.total,
        currency=said.currency,
        as_of_ms=said.as_of_ms,
    )


@st.composite
def histories(draw: st.DrawFn, most: int = 25) -> list[Line]:
    """Draw a customer's records: late ones, closings, changes of the price book, credit that comes and goes."""
    lines: list[Line] = []
    clock_ms = 1000
    for sequence in range(1, draw(st.integers(1, most)) + 1):
        clock_ms += draw(st.integers(0, 2))
        closes = draw(st.integers(0, 9)) == 0
        book = draw(st.sampled_from(("standard", "standard", "euro")))
        one = line(
            sequence,
            "" if closes else draw(st.sampled_from(METERS)),
            as_of_ms=clock_ms,
            cycle=draw(st.sampled_from(CYCLES)),
            price_book=book,
            currency="EUR" if book == "euro" else "USD",
            closes=closes,
            credit="" if closes else draw(st.sampled_from(("", "", "500", "499.5"))),
        )
        lines.append(one)
    return lines
