"""The customer's state as versioned bytes in RocksDB, in every checkpoint and savepoint: format 4, and earlier ones.

Flink keeps these bytes unread and never notices a changed format: hence the first byte, a reader
for every older one, and a golden file of each in tests/golden/state.

It is read and written for nearly every event, so that it is no protobuf message: u8 4, then lines of ASCII. No
name in it holds a separator, for price books allow letters, digits and . _ - : alone, and versions @ + # as well.

    sequence,partition,held due,queued,credit drawn,credit paid    all but the first two may be empty
    book,promotion;moments;units;periods;over | ...      bursts; numbers as differences, but for the last
    book,promotion;redeemed;from,to,units left,... | ... coupons
    changes,as of,currency,sessions,picos,...            sessions that run, or nothing
    cycle | cycle | ...                                  one line each:
        name,book,currency,close at,forget at,closed,picos,alerted,uncovered
        | meter,counter,quantity,picos,... | promotion,used,... | meter,version,tier,numerator,denominator,...
        | promotion,units,picos,reached;...              milestones

Format 3 is the same without `credit paid` and `over`.
"""

from collections.abc import Mapping

from google.protobuf.message import DecodeError

from billing.state import NEVER_MS, CustomerState, CycleState, MeterState, OpenSessions
from billing.volume_tiers import VolumeState
from wire.customer_state_messages import FORMATS, customer_of_message
from wire.earned_state import decode_earned, decode_milestones, encode_earned, encode_milestones
from wire.v1 import state_pb2

FORMAT = 4

READABLE = (*FORMATS, 3, FORMAT)

_FORMAT_BYTE = bytes([FORMAT])
_TEXTS = (_FORMAT_BYTE, b"\3")
_NOTHING_EARNED = ("", "")


class UnknownStateFormatError(Exception):
    """A savepoint holds state that this release cannot read."""


def encode_state(state: CustomerState) -> bytes:
    """Return the bytes of a customer's state."""
    held = "" if state.held_due_ms == NEVER_MS else state.held_due_ms
    credit = f"{state.credit_drawn_picos or ''},{state.credit_paid_picos or ''}"
    head = f"{state.sequence},{state.partition},{held},{'1' if state.queued else ''},{credit}"
    bursts, coupons = encode_earned(state.earned) if state.earned else _NOTHING_EARNED
    running = "" if state.open is None else _encode_open(state.open)
    lines = [head, bursts, coupons, running, *map(_encode_cycle, state.cycles.values())]
    return _FORMAT_BYTE + "\n".join(lines).encode("ascii")


def _encode_cycle(cycle: CycleState) -> str:
    meters: list[str] = []
    volumes: list[str] = []
    for name, meter in cycle.meters.items():
        meters.append(f"{name},{meter.counter},{meter.quantity},{meter.picos}")
        if meter.volumes:
            volumes += _encode_volumes(name, meter.volumes)
    allowances = ",".join([f"{promotion},{used}" for promotion, used in cycle.allowances.items()])
    milestones = encode_milestones(cycle.earned) if cycle.earned else ""
    return (
        f"{cycle.name},{cycle.price_book},{cycle.currency},{cycle.close_at_ms},{cycle.forget_at_ms},"
        f"{'1' if cycle.closed else ''},{cycle.picos},{cycle.alerted_picos or ''},{cycle.uncovered_picos or ''}"
        f"|{','.join(meters)}|{allowances}|{','.join(volumes)}|{milestones}"
    )


def _encode_volumes(meter: str, volumes: Mapping[str, VolumeState]) -> list[str]:
    return [
        f"{meter},{version},{one.tier},{one.weighted_numerator},{one.weighted_denominator}"
        for version, one in volumes.items()
    ]


def _encode_open(running: OpenSessions) -> str:
    amounts = [f"{currency},{sessions},{picos}" for currency, (sessions, picos) in running.amounts.items()]
    return ",".join([str(running.changes), str(running.as_of_ms), *amounts])


def decode_state(customer_id: str, data: bytes | None) -> CustomerState:
    """Return a customer's state; None: a customer that was never seen.

    Raises UnknownStateFormatError for a format of a later release.
    """
    if data is None:
        return CustomerState(customer_id)
    if not data.startswith(_TEXTS):
        return _earlier(customer_id, data)
    head, bursts, coupons, running, *cycles = data[1:].decode("ascii").split("\n")
    sequence, partition, held, queued, drawn, *paid = head.split(",")
    state = CustomerState(customer_id, int(sequence), int(partition))
    for line in cycles:
        state.open_cycle(_decode_cycle(line))
    if held:
        state.expect(int(held))
    if queued:
        state.queued = True
    if drawn:
        state.credit_drawn_picos = int(drawn)
    if paid and paid[0]:
        state.credit_paid_picos = int(paid[0])
    if bursts or coupons:
        state.earned = decode_earned(bursts, coupons)
    if running:
        state.open = _decode_open(running)
    return state


def _earlier(customer_id: str, data: bytes) -> CustomerState:
    try:
        message = state_pb2.CustomerState.FromString(data)
    except DecodeError:
        found = data[0]  # a later release begins with its number as this one does
    else:
        found = message.format
        if found in FORMATS:
            return customer_of_message(customer_id, message)
    known = ", ".join(map(str, READABLE[:-1]))
    raise UnknownStateFormatError(f"state format {found} of {customer_id}; this release reads {known} and {FORMAT}")


def _decode_cycle(line: str) -> CycleState:
    base, meters, allowances, volumes, milestones = line.split("|")
    name, book, currency, close, forget, closed, picos, alerted, uncovered = base.split(",")
    of_meters, used = meters.split(","), allowances.split(",")
    numbers = map(int, of_meters[1::4]), map(int, of_meters[2::4]), map(int, of_meters[3::4])
    cycle = CycleState(
        name,
        book,
        currency,
        int(close),
        int(forget),
        closed == "1",
        int(picos),
        dict(zip(of_meters[::4], map(MeterState, *numbers), strict=False)),  # no meter: one empty name, no numbers
        dict(zip(used[::2], map(int, used[1::2]), strict=False)),
    )
    if alerted:
        cycle.alerted_picos = int(alerted)
    if uncovered:
        cycle.uncovered_picos = int(uncovered)
    if volumes:
        _decode_volumes(volumes.split(","), cycle)
    if milestones:
        cycle.earned = decode_milestones(milestones)
    return cycle


def _decode_volumes(texts: list[str], cycle: CycleState) -> None:
    for meter, version, *numbers in zip(*(texts[nth::5] for nth in range(5)), strict=True):
        cycle.meters[meter].volumes[version] = VolumeState(*map(int, numbers))


def _decode_open(line: str) -> OpenSessions:
    changes, as_of_ms, *amounts = line.split(",")
    triples = zip(amounts[::3], map(int, amounts[1::3]), map(int, amounts[2::3]), strict=True)
    return OpenSessions(int(changes), int(as_of_ms), {currency: (count, picos) for currency, count, picos in triples})
