"""Entries of the dedup index: what is remembered of an event, in as few bytes as it takes.

i64 time | 8 bytes fingerprint, and that is all for a retraction. Else u8 flags, then, as the flags say:

    AWAITED   i64 event time | i64 last deadline of who waits; the first i64 is then what sweeps go by
    SESSION   16 bytes key of the session
    CHARGE    i64 picos | i64 units, or u48 | u16 where SHORT | u16 length | price book | u32 version
              | u16 length | meter | ChargeDetail where DETAIL

All numbers big-endian. Entries of 16 bytes are also what releases before retractions wrote of rated events.
"""

from functools import lru_cache
from struct import Struct

from billing.events import Charge, Freed, Seen, Weight
from wire.v1 import state_pb2

_CHARGE, _SESSION, _AWAITED, _RETRACTED, _DETAIL, _SHORT = 1, 2, 4, 8, 16, 32

_HEAD = Struct(">q8s")
_FLAGGED = Struct(">q8sB")
_PLAIN = Struct(">q8sBHIH")
_AMOUNT = Struct(">qq")
_SHORT_AMOUNT = Struct(">HIH")
_AWAIT = Struct(">qq")
_VERSION = Struct(">I")
_LENGTH = Struct(">H")
_SHORT_UNITS = 2**16
_SHORT_PICOS = 2**48
_MAX_PICOS = 2**63
_LOW = 2**32 - 1
_KEY_LENGTH = 16


def encode_seen(seen: Seen) -> bytes:
    """Return the entry of an event."""
    charge = seen.charge
    if charge is None or seen.awaited_until_ms or charge.free_units or charge.weight or charge.retracted:
        return _encode_other(seen)
    picos, units = charge.picos, charge.quantity
    if units >= _SHORT_UNITS or not 0 <= picos < _SHORT_PICOS:
        return _encode_other(seen)
    head = _PLAIN.pack(seen.event_time_ms, seen.fingerprint, _CHARGE | _SHORT, picos >> 32, picos & _LOW, units)
    return head + _label(charge.price_book, charge.version, charge.meter)


@lru_cache(maxsize=4096)
def _label(price_book: str, version: int, meter: str) -> bytes:
    book, name = price_book.encode(), meter.encode()
    return _LENGTH.pack(len(book)) + book + _VERSION.pack(version) + _LENGTH.pack(len(name)) + name


def _encode_other(seen: Seen) -> bytes:
    flags, parts = 0, []
    first_ms = seen.event_time_ms
    if seen.awaited_until_ms:
        flags |= _AWAITED
        first_ms = max(first_ms, seen.awaited_until_ms - 1)
        parts.append(_AWAIT.pack(seen.event_time_ms, seen.awaited_until_ms))
    if seen.session:
        flags |= _SESSION
        parts.append(seen.session)
    if seen.charge is not None:
        more, tail = encode_charge(seen.charge)
        flags |= more
        parts.append(tail)
    if not flags:
        return _HEAD.pack(first_ms, seen.fingerprint)
    return b"".join((_FLAGGED.pack(first_ms, seen.fingerprint, flags), *parts))


def encode_charge(charge: Charge) -> tuple[int, bytes]:
    """Return a charge's flags and bytes."""
    flags = _CHARGE | _RETRACTED * charge.retracted
    detail = state_pb2.ChargeDetail()
    picos, units = charge.picos, charge.quantity
    if not -_MAX_PICOS <= picos < _MAX_PICOS:
        detail.amount_picos = str(picos)
        picos = 0
    for freed in charge.free_units:
        detail.free_units.add(promotion=freed.promotion, used=freed.units, redeemed_ms=freed.redeemed_ms)
    if charge.weight is not None:
        detail.price_version = charge.weight.price_version
        detail.weight_numerator = str(charge.weight.numerator)
        detail.weight_denominator = str(charge.weight.denominator)
    rest = detail.SerializeToString()
    flags |= _DETAIL * bool(rest)
    if units < _SHORT_UNITS and 0 <= picos < _SHORT_PICOS:
        flags |= _SHORT
        amount = _SHORT_AMOUNT.pack(picos >> 32, picos & _LOW, units)
    else:
        amount = _AMOUNT.pack(picos, units)
    return flags, amount + _label(charge.price_book, charge.version, charge.meter) + rest


def decode_seen(data: bytes) -> Seen:
    """Return what an entry says, of whichever release."""
    if len(data) == _HEAD.size:
        return Seen(*_HEAD.unpack(data))
    event_time_ms, fingerprint, flags = _FLAGGED.unpack_from(data)
    position = _FLAGGED.size
    awaited_until_ms = 0
    if flags & _AWAITED:
        event_time_ms, awaited_until_ms = _AWAIT.unpack_from(data, position)
        position += _AWAIT.size
    session = b""
    if flags & _SESSION:
        session = data[position : position + _KEY_LENGTH]
        position += _KEY_LENGTH
    charge = decode_charge(flags, data, position) if flags & _CHARGE else None
    return Seen(event_time_ms, fingerprint.rstrip(b"\0") and fingerprint, charge, session, awaited_until_ms)


def decode_charge(flags: int, data: bytes, position: int) -> Charge:
    """Return the charge that `encode_charge` wrote at a position."""
    if flags & _SHORT:
        high, low, quantity = _SHORT_AMOUNT.unpack_from(data, position)
        picos = high << 32 | low
        position += _SHORT_AMOUNT.size
    else:
        picos, quantity = _AMOUNT.unpack_from(data, position)
        position += _AMOUNT.size
    price_book, position = _text(data, position)
    (version,) = _VERSION.unpack_from(data, position)
    meter, position = _text(data, position + _VERSION.size)
    retracted = bool(flags & _RETRACTED)
    if not flags & _DETAIL:
        return Charge(picos, quantity, quantity, meter, price_book, version, retracted=retracted)
    detail = state_pb2.ChargeDetail.FromString(data[position:])
    free = tuple(Freed(one.promotion, one.used, one.redeemed_ms) for one in detail.free_units)
    weight = None
    if detail.price_version:
        weight = Weight(detail.price_version, int(detail.weight_numerator), int(detail.weight_denominator))
    picos = int(detail.amount_picos) if detail.amount_picos else picos
    billable = quantity - sum(one.units for one in free)
    return Charge(picos, quantity, billable, meter, price_book, version, free, weight, retracted)


def _text(data: bytes, position: int) -> tuple[str, int]:
    start = position + _LENGTH.size
    end = start + _LENGTH.unpack_from(data, position)[0]
    return data[start:end].decode(), end
