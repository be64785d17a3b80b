"""Bytes that savepoints of the invoicing job hold of final invoices; as in test_customer_state."""

from functools import partial

import pytest

from billing.invoicing.notes import FinalInvoice
from tests.golden.state_files import StateFiles
from wire.customer_state import UnknownStateFormatError
from wire.notes import FORMAT, decode_final, encode_final
from wire.v1 import state_pb2

NOVEMBER = FinalInvoice(
    "b7-invoice", "acme/eve", "standard", "2026-11", "JPY", "Asia/Tokyo", 1_793_458_800_000, 1_796_050_800_000, -7, 2
)
EXPECTED = {1: NOVEMBER}
JOINED = {"beyond_64_bits": NOVEMBER._replace(left_minor=-(10**20))}
FILES = StateFiles("final_state", FORMAT, EXPECTED, encode_final, partial(decode_final, "b7-invoice"), JOINED)


def test_a_later_format_is_never_guessed() -> None:
    with pytest.raises(UnknownStateFormatError, match="invoice format 2 of i"):
        decode_final("i", state_pb2.FinalState(format=2).SerializeToString())
