"""Bytes of what waits for a surge factor, and of the factors that the rating knows, as savepoints hold them."""

from fractions import Fraction

import pytest

from billing.events import Delivery
from billing.state import NEVER_MS, CustomerState
from billing.surge.rates import Run
from tests.golden.conftest import Golden
from udfs.batched_state import DictAgenda, DictStore
from udfs.held_events import HeldEvents
from wire.customer_state import decode_state, encode_state
from wire.frames import FramedRecord
from wire.surge_state import decode_runs, encode_runs, runs_key, whole_runs_key

KEY = ("standard", "sms-peak", "sms.outbound", "eu", 60_000)
RUNS = [
    Run(1_794_312_000_000, 1_794_312_120_000, Fraction(8, 5)),
    Run(1_794_312_180_000, 1_794_312_240_000, Fraction(5, 4)),
]
RECORDS = [
    FramedRecord(Delivery(3, 2**40, 1_794_312_000_000, 1_794_311_999_000), b"value", None, readable=True),
    FramedRecord(Delivery(2, 7, 1_794_312_000_000, 0, key_matches=False), b"other", b"key", readable=True),
]


def queued() -> CustomerState:
    return CustomerState("acme/eve", sequence=7, partition=3, queued=True)


def held() -> tuple[DictStore, DictAgenda]:
    """Two chunks of a customer, of which the first factor is decided at noon."""
    queues, agenda = DictStore(), DictAgenda()
    events = HeldEvents(queues, agenda)
    for record in RECORDS:
        events.append(b"acme/eve", [record], NEVER_MS)
    events.expect(b"acme/eve", 1_794_312_000_000)
    return queues, agenda


def test_what_waits_is_written_as_savepoints_hold_it(golden: Golden) -> None:
    queues, agenda = held()
    lines = {
        "customer": encode_state(queued()),
        "runs_key": whole_runs_key(KEY).encode(),
        "runs": encode_runs(KEY, RUNS),
    }
    lines["days_key"] = runs_key(KEY, 20767).encode()
    lines |= {f"queues {key.hex()}": value for key, value in sorted(queues.entries.items())}
    lines |= {f"agenda {key.hex()}": value for key, value in sorted(agenda.entries.items())}
    golden("surge_waits.txt", "".join(f"{name} {value.hex()}".rstrip() + "\n" for name, value in lines.items()))


def test_it_is_read_as_it_was_meant() -> None:
    assert decode_state("acme/eve", encode_state(queued())) == queued()
    assert decode_runs(encode_runs(KEY, RUNS)) == (KEY, RUNS)
    events = HeldEvents(*held())
    assert events.take_due(1_794_312_000_000) == [b"acme/eve"]
    assert [one for chunk in events.chunks(b"acme/eve") for one in chunk.records] == RECORDS


@pytest.mark.parametrize("written", ["080210071803c00201", "03372c332c2c312c0a0a0a"])
def test_a_customer_that_waits_in_a_savepoint_of_an_earlier_format_waits(written: str) -> None:
    assert decode_state("acme/eve", bytes.fromhex(written)) == queued()


def test_a_customer_that_waits_for_nothing_says_nothing_of_it() -> None:
    assert encode_state(CustomerState("zoe", queued=False)) == b"\x040,-1,,,,\n\n\n"
