"""Entries of the dedup index: what is remembered of an event, in as few bytes as it takes.

i64 time | 8 bytes fingerprint, and that is all for a retraction. Else u8 flags, then, as the flags say:

    AWAITED   i64 event time | i64 last deadline of who waits; the first i64 is then what sweeps go by
    SESSION   16 bytes key of the session
    CHARGE    i64 picos | u32 units, or i64 where WIDE | u16 length | price book | u32 version
              | u16 length | meter | ChargeDetail where DETAIL

All numbers big-endian. Entries of 16 bytes are also what releases before retractions wrote of rated events.
"""

from functools import lru_cache
from struct import Struct

from billing.events import Charge, Seen, Weight
from wire.v1 import state_pb2

_CHARGE, _SESSION, _AWAITED, _RETRACTED, _DETAIL, _WIDE = 1, 2, 4, 8, 16, 32

_HEAD = Struct(">q8s")
_FLAGGED = Struct(">q8sB")
_PLAIN = Struct(">q8sBqI")
_AMOUNT = Struct(">qI")
_WIDE_AMOUNT = Struct(">qq")
_AWAIT = Struct(">qq")
_VERSION = Struct(">I")
_LENGTH = Struct(">H")
_NARROW_UNITS = 2**32
_NARROW_PICOS = 2**63
_KEY_LENGTH = 16


def encode_seen(seen: Seen) -> bytes:
    """Return the entry of an event."""
    charge = seen.charge
    if charge is None or seen.awaited_until_ms:
        return _encode_other(seen)
    if charge.free_units or charge.weight or charge.retracted or charge.quantity >= _NARROW_UNITS:
        return _encode_other(seen)
    if charge.picos >= _NARROW_PICOS:
        return _encode_other(seen)
    head = _PLAIN.pack(seen.event_time_ms, seen.fingerprint, _CHARGE, charge.picos, charge.quantity)
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
    picos = charge.picos
    if not -_NARROW_PICOS <= picos < _NARROW_PICOS:
        detail.amount_picos = str(picos)
        picos = 0
    for promotion, units in charge.free_units:
        detail.free_units.add(promotion=promotion, used=units)
    if charge.weight is not None:
        detail.price_version = charge.weight.price_version
        detail.weight_numerator = str(charge.weight.numerator)
        detail.weight_denominator = str(charge.weight.denominator)
    rest = detail.SerializeToString()
    wide = charge.quantity >= _NARROW_UNITS
    flags |= _DETAIL * bool(rest) | _WIDE * wide
    amount = (_WIDE_AMOUNT if wide else _AMOUNT).pack(picos, charge.quantity)
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
    form = _WIDE_AMOUNT if flags & _WIDE else _AMOUNT
    picos, quantity = form.unpack_from(data, position)
    price_book, position = _text(data, position + form.size)
    (version,) = _VERSION.unpack_from(data, position)
    meter, position = _text(data, position + _VERSION.size)
    detail = state_pb2.ChargeDetail.FromString(data[position:])
    free = tuple((one.promotion, one.used) for one in detail.free_units)
    weight = None
    if detail.price_version:
        weight = Weight(detail.price_version, int(detail.weight_numerator), int(detail.weight_denominator))
    return Charge(
        int(detail.amount_picos) if detail.amount_picos else picos,
        quantity,
        quantity - sum(units for _, units in free),
        meter,
        price_book,
        version,
        free,
        weight,
        bool(flags & _RETRACTED),
    )


def _text(data: bytes, position: int) -> tuple[str, int]:
    start = position + _LENGTH.size
    end = start + _LENGTH.unpack_from(data, position)[0]
    return data[start:end].decode(), end
