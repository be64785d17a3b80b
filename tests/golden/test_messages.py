"""What consumers see of one event: a billing record and a dead letter, in the JSON of protobuf."""

import json

from tests.golden.conftest import Golden
from tests.oracle.example import Log, book
from tests.unit.udfs.shard import Shard, framed
from tollgate.context import as_dict


def rated(log: Log) -> Shard:
    return Shard(book()).rate(framed(log))


def text(message: object) -> str:
    return json.dumps(as_dict(message), indent=2, ensure_ascii=False, sort_keys=True) + "\n"  # type: ignore[arg-type]


def one_of_everything() -> Log:
    """A clock, then an event that crosses a tier, uses up an allowance and gets two discounts."""
    log = Log()
    log.heartbeat("2026-11-20T00:00:00Z")
    log.use(
        1103, "sms.outbound", customer_id="acme", event_id="e-1", at="2026-11-20T12:34:56.789Z",
        dimensions={"region": "eu"}, source="gateway-7", replay=True,
    )  # fmt: skip
    return log


def test_a_billing_record_is_shown_as_before(golden: Golden) -> None:
    (record,) = rated(one_of_everything()).records
    golden("messages/billing_record.json", text(record))


def test_a_closed_cycle_is_shown_as_before(golden: Golden) -> None:
    log = one_of_everything()
    log.heartbeat("2026-12-01T03:00:00Z")
    log.use(1, "nope", customer_id="acme", event_id="e-2")
    (_, closing) = rated(log).records
    golden("messages/cycle_close.json", text(closing))


def test_a_dead_letter_is_shown_as_before(golden: Golden) -> None:
    log = Log()
    log.heartbeat("2026-11-20T00:00:00Z")
    log.use(
        5, "sms.outbund", event_id="e-1", at="2026-11-20T12:34:56.789Z", stamped="2026-11-20T12:34:57Z", replay=True
    )
    (letter,) = rated(log).letters
    golden("messages/dead_letter.json", text(letter))
