"""The balances job's state of one customer, to bytes and back: format 2, and format 1 of earlier builds.

It is read and written for nearly every record, so that it is no protobuf message:

    u8 2 | live | 0xFE | settled | 0xFE | open

Each part is a list of UTF-8 texts with 0xFF between them; no UTF-8 holds either byte, and Python reads each as
a character of its own. A balance is sequence, as_of_ms, price book, cycle, currency, total, credit, then name,
quantity and amount of each meter. Open sessions are the fields of `OpenCalls` in order, or nothing where none
was ever open.
"""

from typing import NamedTuple

from billing.balances import NONE_OPEN, Balance, CustomerBalance, MeterBalance, OpenCalls
from wire.balances import balance_of
from wire.open_sessions import calls_of
from wire.v1 import state_pb2

FORMAT = 2

READABLE = (1, FORMAT)

_FORMAT_BYTE = bytes([FORMAT])
_FORMAT_1 = state_pb2.BalanceState(format=1).SerializeToString()
_BYTES_AS_CHARACTERS = "surrogateescape"
_PART = "\udcfe"
_TEXT = "\udcff"


class UnknownBalanceFormatError(Exception):
    """A savepoint holds a balance that this release cannot read."""


class OneSide(NamedTuple):
    """A customer's state of which one balance has been read; of the other one there is the number alone."""

    balances: CustomerBalance
    parts: list[str]

    def with_live(self) -> bytes:
        """Return state with the live balance as it is now, and the rest as it was."""
        return _joined(_encode_balance(self.balances.live), *self.parts[1:])

    def with_settled(self) -> bytes | None:
        """Return state with the settled balance as it is now, and the rest as it was.

        None where the settled balance has caught up with a live one that differs, and is to take its place.
        """
        live, _, calls = self.parts
        settled = _encode_balance(self.balances.settled)
        if self.balances.settled.sequence >= self.balances.live.sequence and settled != live:
            return None
        return _joined(live, settled, calls)


def encode_balances(balances: CustomerBalance) -> bytes:
    """Return the bytes of a customer's balances."""
    settled, calls = _encode_balance(balances.settled), _encode_open(balances.open)
    return _joined(_encode_balance(balances.live), settled, calls)


def decode_balances(data: bytes | None) -> CustomerBalance:
    """Return a customer's balances; None: one without records.

    Raises UnknownBalanceFormatError for a format of a later release.
    """
    if data is None:
        return CustomerBalance()
    live, settled, calls = _parts(data)
    return CustomerBalance(_decode_balance(live), _decode_balance(settled), _decode_open(calls))


def decode_live(data: bytes) -> OneSide:
    """Return the live balance, and the number of the settled one."""
    parts = _parts(data)
    return OneSide(CustomerBalance(_decode_balance(parts[0]), _number(parts[1])), parts)


def decode_settled(data: bytes) -> OneSide:
    """Return the settled balance, and the number of the live one."""
    parts = _parts(data)
    return OneSide(CustomerBalance(_number(parts[0]), _decode_balance(parts[1])), parts)


def _number(part: str) -> Balance:
    return Balance(int(part[: part.index(_TEXT)]))


def _joined(*parts: str) -> bytes:
    return _FORMAT_BYTE + _PART.join(parts).encode("utf-8", _BYTES_AS_CHARACTERS)


def _parts(data: bytes) -> list[str]:
    if not data.startswith(_FORMAT_BYTE):
        data = encode_balances(_decode_format_1(data))
    return data[1:].decode("utf-8", _BYTES_AS_CHARACTERS).split(_PART)


def _encode_balance(balance: Balance) -> str:
    texts = [str(balance.sequence), str(balance.as_of_ms), balance.price_book]
    texts += [balance.cycle, balance.currency, balance.total, balance.credit]
    for name, (quantity, amount) in balance.meters.items():
        texts += [name, str(quantity), amount]
    return _TEXT.join(texts)


def _decode_balance(part: str) -> Balance:
    sequence, as_of_ms, book, cycle, currency, total, credit, *of_meters = part.split(_TEXT)
    meters = dict(zip(of_meters[::3], map(MeterBalance, map(int, of_meters[1::3]), of_meters[2::3]), strict=True))
    return Balance(int(sequence), int(as_of_ms), book, cycle, currency, total, credit, meters)


def _encode_open(calls: OpenCalls) -> str:
    return "" if calls == NONE_OPEN else _TEXT.join(map(str, calls))


def _decode_open(part: str) -> OpenCalls:
    if not part:
        return NONE_OPEN
    change, sessions, total, currency, sequence, as_of_ms = part.split(_TEXT)
    return OpenCalls(int(change), int(sessions), total, currency, int(sequence), int(as_of_ms))


def _decode_format_1(data: bytes) -> CustomerBalance:
    if not data.startswith(_FORMAT_1):
        raise UnknownBalanceFormatError(f"balance format of byte {data[0]}; this release reads 1 and {FORMAT}")
    message = state_pb2.BalanceState.FromString(data)
    calls = calls_of(message.open) if message.HasField("open") else NONE_OPEN
    return CustomerBalance(balance_of(message.live), balance_of(message.settled), calls)
