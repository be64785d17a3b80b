"""What customers earn as they are rated: promotions won, credits, and the alerts that tell of them.

`hold` comes before an event is priced, `settle` after. Neither is called where nothing can be won.
"""

from bisect import bisect_left
from dataclasses import replace

from billing.events import UsageEvent
from billing.outcomes import Adjustment, AdjustmentKind, Alert, AlertKind, BillingRecord, Kind
from billing.price_books.model import PriceBook
from billing.promotions import Charged, Held, Occasion, Win
from billing.promotions.burst import BurstState
from billing.state import CustomerState, CycleState
from billing.tariffs import Tariff


def hold(  # noqa: PLR0913 - all that a promotion may ask about an event
    state: CustomerState,
    event: UsageEvent,
    quantity: int,
    time_ms: int,
    clock_ms: int,
    tariff: Tariff,
    book: PriceBook,
    own: CycleState,
) -> tuple[Occasion, Held]:
    """Ask the promotions that the event concerns, in the order of the book, what they give it.

    `time_ms` is the time that its prices are of.
    """
    occasion = Occasion(
        price_book=book.id,
        meter=event.meter,
        quantity=quantity,
        event_time_ms=time_ms,
        clock_ms=clock_ms,
        dimensions=event.dimensions,
        cycle_end_ms=own.close_at_ms - book.allowed_lateness_ms,
        horizon_ms=book.dedup_horizon_ms,
        customer=state.earned,
        cycle=own.earned,
    )
    held = Held()
    for promotion in tariff.earned:
        promotion.before(occasion, held)
    return occasion, held


def settle(  # noqa: PLR0913 - what `hold` made, and what it is settled with
    state: CustomerState, tariff: Tariff, occasion: Occasion, held: Held, billed: CycleState, record: BillingRecord
) -> None:
    """Let the promotions take in an event that was priced; adds credits and alerts to its record."""
    follow_up = record.follow_up
    picos = record.picos + (follow_up.picos if follow_up is not None else 0)
    taken = {one.id: one.free_units for one in record.adjustments if one.free_units}
    charged = Charged(picos, taken)
    wins = held.wins + [win for one in tariff.earned if (win := one.after(occasion, charged)) is not None]
    last = follow_up or record
    for win in wins:
        record.alerts = (*record.alerts, _won(record, win))
        if win.credit_picos:
            last.follow_up = last = _credit(state, billed, record, win)
    record.redeemed = tuple(occasion.redeemed)


def tell_tier(tariff: Tariff, record: BillingRecord, units: int) -> None:
    """Add the alert of a record that took its cycle to another tier, with the billable units after it."""
    tier = bisect_left(tariff.bounds, units)
    cycle = record.corrects_cycle or record.cycle
    detail = f"tier {tier + 1} of {record.meter} from unit {tariff.bounds[tier - 1] + 1} on; {units} used in {cycle}"
    record.alerts = (
        *record.alerts,
        Alert(
            f"{record.record_id}-tier-{tier + 1}",
            record.customer_id,
            AlertKind.TIER_REACHED,
            record.meter,
            detail,
            record.event_time_ms,
            cycle,
        ),
    )


def forget_bursts(state: CustomerState, clock_ms: int) -> int:
    """Drop the bursts that are over; returns the clock at which the last of the others will be, 0 for none.

    Redemptions of coupons are kept for ever: they are counted.
    """
    bursts = [(key, one.over_ms) for key, one in state.earned.items() if isinstance(one, BurstState)]
    for key, over_ms in bursts:
        if over_ms <= clock_ms:
            del state.earned[key]
    return max((over_ms for _, over_ms in bursts if over_ms > clock_ms), default=0)


def _won(record: BillingRecord, win: Win) -> Alert:
    return Alert(
        f"{record.record_id}-won-{win.promotion}",
        record.customer_id,
        AlertKind.PROMOTION_WON,
        win.promotion,
        win.detail,
        record.event_time_ms,
        record.corrects_cycle or record.cycle,
    )


def _credit(state: CustomerState, billed: CycleState, cause: BillingRecord, win: Win) -> BillingRecord:
    """Return the record of a credit that an event won, in the cycle that the event is billed in."""
    meter = billed.meter(cause.meter)
    meter.picos -= win.credit_picos
    billed.picos -= win.credit_picos
    return replace(
        cause,
        record_id=f"{cause.record_id}-credit-{win.promotion}",
        sequence=state.next_sequence(),
        kind=Kind.CREDIT,
        quantity=0,
        picos=-win.credit_picos,
        cycle_total_picos=billed.picos,
        cycle_picos=meter.picos,
        slices=(),
        adjustments=(Adjustment(win.promotion, AdjustmentKind.PROMOTION, -win.credit_picos),),
        follow_up=None,
        alerts=(),
        weight=None,
    )
