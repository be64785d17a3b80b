"""Prepaid credit is one pool: what rating says is left is what invoices have left of it, after any traffic."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.money import parse_picos
from tests import engine
from tests.golden.bill import _log_record as usage_record
from tests.invoicing_job import InvoicingJob
from tests.unit.builders import DAY_MS, ms
from wire.v1 import billing_pb2

CREDIT = "40.00"
BOOK = engine.parse(
    {
        "price_book": "b", "version": 1, "effective_from": "2026-01-01T00:00:00Z", "currency": "USD",
        "meters": {"calls": {"unit": "call", "price": {"model": "volume", "tiers": [
            {"up_to": 10, "unit_price": "1.00"}, {"unit_price": "0.50"}]}}},
        "promotions": [{"id": "m", "kind": "milestone", "meters": ["calls"], "units": 30, "credit": "7.00"}],
        "contracts": [{"customer_id": "zoe", "prepaid_credit": CREDIT, "minimum_spend": "5.00"}],
    }
)  # fmt: skip
LINE = billing_pb2.InvoiceLine


@st.composite
def traffic(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Usage of three months in any order, some of it late, some of it taken back; the clock then passes all of it."""
    events: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 25))):
        month, day = draw(st.integers(9, 11)), draw(st.integers(1, 28))
        at = f"2026-{month:02d}-{day:02d}T12:00:00Z"
        event = {
            "event": f"e{number}",
            "customer": "zoe",
            "meter": "calls",
            "at": at,
            "received": "2026-12-20T00:00:00Z",
        }
        if events and draw(st.integers(0, 4)) == 0:
            back = draw(st.sampled_from(events))
            events.append(event | {"at": back["at"], "retracts": back["event"]})
        else:
            events.append(event | {"quantity": str(draw(st.integers(1, 20)))})
    return events


@given(traffic())
@settings(max_examples=150, deadline=None)
def test_rating_and_invoices_leave_the_same(events: list[dict[str, Any]]) -> None:
    log = [usage_record(one, offset) for offset, one in enumerate(events)]
    end = {"measure": "heartbeat", "at": "2026-12-15T00:00:00Z"}
    rated = engine.rate_log({0: [*log, usage_record(end, len(log))]}, [BOOK])
    job = InvoicingJob(rated.catalog)
    for record in rated.records:
        job.advance(record.clock_ms)
        job.take([record])
    job.advance(ms("2027-01-05T00:00:00Z") + 40 * DAY_MS)
    drawn = [-parse_picos(line.exact_amount) for one in job.finals() for line in one.lines if line.kind == LINE.CREDIT]
    left = [one.credit for one in rated.records if one.credit]
    if left:
        assert parse_picos(CREDIT) - sum(drawn) == parse_picos(left[-1])
    else:
        assert not drawn
    numbers = [one.number for one in job.finals()]
    assert numbers == list(range(1, len(numbers) + 1))
