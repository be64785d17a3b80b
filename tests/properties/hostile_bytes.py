"""Bytes that are nearly a message: what no library writes, and every parser has to judge."""

from random import Random

from google.protobuf.descriptor import Descriptor, FieldDescriptor

VARINT, FIXED64, DELIMITED, GROUP, GROUP_END, FIXED32 = range(6)
UNKNOWN_NUMBERS = (12, 13, 15, 16, 100, 2**11, 2**18 + 1, 2**25 + 1, 2**29 - 1)
NESTING = (98, 99, 100, 101, 102, 150)
VALID_TEXTS = (
    b"", b"a", b"acme", b"tenant/acm\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\x00", b"\xed\x9f\xbf",
    b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf", b"x" * 200,
)  # fmt: skip
INVALID_TEXTS = (
    b"\xff", b"\x80", b"\xc3", b"a\xe2\x82", b"\xe2\x82a",  # no character, and parts of some
    b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf",  # too long
    b"\xed\xa0\x80", b"\xed\xbf\xbf",  # halves of pairs
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",  # beyond the last character
)  # fmt: skip
NUMBERS = (0, 1, 2, 127, 128, 300, 1_793_491_200_000, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)


def varint(value: int, length: int = 1) -> bytes:
    """Return a varint, with idle bytes up to a length where it is shorter."""
    out = bytearray()
    while value > 0x7F or len(out) + 1 < length:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


class HostileBytes:
    """Makes up encodings of one kind of message. `daring`: how often, of 1000, a step is taken amiss."""

    def __init__(self, random: Random, daring: int) -> None:
        self._random = random
        self._daring = daring

    def message(self, kind: Descriptor, nesting: int = 0) -> bytes:
        """Return fields of a message in any order, any number of times."""
        count = self._random.choice((0, 1, 2, 3)) if nesting else self._random.randint(1, 10)
        fields = (*kind.fields, None) if nesting else tuple(kind.fields)
        return b"".join(self._field(self._random.choice(fields), nesting) for _ in range(count))

    def spoiled(self, value: bytes) -> bytes:
        """Return bytes of which some are flipped, cut off, inserted, taken out or repeated."""
        random = self._random
        at, until = sorted((random.randint(0, len(value)), random.randint(0, len(value))))
        bit = bytes([value[at] ^ 1 << random.randint(0, 7)]) if at < len(value) else b""
        return random.choice(
            (
                value[:at] + bit + value[at + 1 :],
                value[:at],
                value[:at] + random.randbytes(random.randint(1, 4)) + value[at:],
                value[:at] + value[until:],
                value[:until] + value[at:],
                value[:at] + bytes([random.choice((0x00, 0x7F, 0x80, 0xFF))]) * random.randint(1, 11) + value[at:],
            )
        )

    def _amiss(self) -> bool:
        return self._random.randrange(1000) < self._daring

    def _field(self, field: FieldDescriptor | None, nesting: int) -> bytes:
        if field is None or self._amiss():
            return self._stray(nesting)
        if self._amiss():
            return self._value(field.number, self._random.randint(0, 7), nesting)
        if field.message_type is not None:
            return self._delimited(field.number, self.message(field.message_type, nesting + 1))
        if field.type == FieldDescriptor.TYPE_STRING:
            return self._delimited(field.number, self._text())
        return self._value(field.number, VARINT, nesting)

    def _stray(self, nesting: int) -> bytes:
        """Return a field that the message does not have, or that no message may have."""
        number = self._random.choice((0, *UNKNOWN_NUMBERS) if self._amiss() else UNKNOWN_NUMBERS)
        if self._amiss():  # a tag of more than 32 bits
            return (
                varint(self._random.choice((2**32, 2**33, 2**63)) | number << 3, self._random.randint(1, 11)) + b"\x01"
            )
        wire_types = range(8) if self._amiss() else (VARINT, FIXED64, DELIMITED, GROUP, FIXED32)
        return self._value(number, self._random.choice(wire_types), nesting)

    def _value(self, number: int, wire_type: int, nesting: int) -> bytes:
        random, tag = self._random, self._tag(number, wire_type)
        if wire_type == VARINT:
            return tag + self._varint(random.choice(NUMBERS))
        if wire_type in (FIXED64, FIXED32):
            return tag + random.randbytes(8 if wire_type == FIXED64 else 4)
        if wire_type == DELIMITED:
            return self._delimited(number, self._text())
        if wire_type == GROUP:
            return self._group(number, nesting)
        return tag

    def _group(self, number: int, nesting: int) -> bytes:
        if self._amiss():
            depth = self._random.choice(NESTING) - self._random.choice((0, 0, nesting))
            return varint(number << 3 | GROUP) * depth + varint(number << 3 | GROUP_END) * depth
        inside = b"" if nesting > 5 else self._stray(nesting + 1)
        closing = self._random.choice(UNKNOWN_NUMBERS) if self._amiss() else number
        return self._tag(number, GROUP) + inside + self._tag(closing, GROUP_END)

    def _delimited(self, number: int, content: bytes) -> bytes:
        size = len(content)
        if self._amiss():
            size = self._random.choice(
                (size + 1, size - 1 if size else 2, 2**31 - 1, 2**31, 2**32 + size, 2**63, 2**64 - 1)
            )
        return self._tag(number, DELIMITED) + self._varint(size) + content

    def _tag(self, number: int, wire_type: int) -> bytes:
        return varint(number << 3 | wire_type, self._random.randint(1, 11) if self._amiss() else 1)

    def _varint(self, value: int) -> bytes:
        if not self._amiss():
            return varint(value)
        if self._random.randrange(3) == 0:  # bits beyond the 64th, in the tenth byte
            return varint(value, 10)[:9] + bytes([self._random.choice((2, 0x7E, 0x7F))])
        return varint(value, self._random.randint(1, 11))

    def _text(self) -> bytes:
        return self._random.choice(INVALID_TEXTS if self._amiss() else VALID_TEXTS)
