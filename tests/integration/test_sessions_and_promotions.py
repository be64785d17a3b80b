"""Calls, retractions, promotions that are won and prepaid credit, through the running job and a restore."""

from pathlib import Path
from typing import Any

from tests.integration.conftest import Tollgate, usage
from wire.v1 import billing_pb2

BOOK = """
price_book: calls
version: 1
effective_from: 2026-11-01T00:00:00Z
currency: USD
meters:
  sms: {unit: message, price: {model: graduated, tiers: [{up_to: 100, unit_price: "0.01"}, {unit_price: "0.005"}]}}
  voice: {unit: second, session: {minimum: 60, increment: 60, idle_timeout: 1h},
          price: {model: per_unit, unit_price: "0.0140", per: 60}}
promotions:
  - {id: burst, kind: burst, meters: [sms], window: 10m, at_least: 50, percent: "50", lasts: 30m}
"""
ANN = "{customer_id: ann, effective_from: 2026-11-01T00:00:00Z, price_book: calls}\n"
PAT = (
    "{customer_id: pat, effective_from: 2026-11-01T00:00:00Z, price_book: calls,"
    ' prepaid_credit: "1.00", spend_alerts: ["0.50"]}\n'
)


def publish(tollgate: Tollgate, folder: Path) -> None:
    """Publish the book, and contracts that choose it; what is there already is left as it is."""
    for name, content in (("book", BOOK), ("ann", ANN), ("pat", PAT)):
        (folder / f"{name}.yaml").write_text(content)
    tollgate.ok("prices", "publish", *(str(folder / f"{name}.yaml") for name in ("book", "ann", "pat")))


def phase(name: str, event_id: str, event_time_ms: int, session: str = "s1") -> dict[str, Any]:
    """Return a line with a phase of a call of ann."""
    line = usage("ann", event_id, 1, event_time_ms, meter="voice", session={"session_id": session, "phase": name})
    del line["usage"]["quantity"]
    return line


def retraction(event_id: str, target: str, event_time_ms: int) -> dict[str, Any]:
    """Return a line that takes an event of ann back."""
    line = usage("ann", event_id, 1, event_time_ms, meter="", retraction={"event_id": target})
    del line["usage"]["quantity"]
    return line


def lines_of(tollgate: Tollgate, customer: str) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["quantity"], one["amount"]) for one in tollgate.json("records", customer)]


def test_calls_and_retractions_in_any_order(tollgate: Tollgate, tmp_path: Path, now_ms: int) -> None:
    publish(tollgate, tmp_path)
    tollgate.produce(
        [
            phase("STOP", "a1", now_ms - 1_000),
            phase("START", "a0", now_ms - 100_000),
            phase("STOP", "a2", now_ms - 500),
            retraction("r0", "x1", now_ms - 400),
            usage("ann", "x1", 60, now_ms - 300, meter="sms"),
            usage("ann", "x2", 60, now_ms - 200, meter="sms"),
            phase("START", "open", now_ms - 90, session="s2"),
        ]
    )
    tollgate.ok("wait")
    calls = [("SESSION", "120", "0.028")]  # 99 s begun: two minutes
    taken_back = [("USAGE", "60", "0.6"), ("RETRACTION", "-60", "-0.6")]
    after_the_burst = [("USAGE", "60", "0.3")]
    assert lines_of(tollgate, "ann") == [*calls, *taken_back, *after_the_burst]
    letters = [one for one in tollgate.json("deadletters", "list") if one["customer_id"] == "ann"]
    assert [(one["reason"], one["event_id"]) for one in letters] == [("SESSION_CLOSED", "a2")]
    assert "Session 's1' of ann lasted from" in tollgate.ok("explain", "ann#1")
    assert "verified" in tollgate.ok("verify")


def test_what_waits_survives_a_restore(tollgate: Tollgate, now_ms: int) -> None:
    saved = tollgate.ok("savepoint", "--stop").strip()
    tollgate.ok("restore", saved)
    tollgate.produce([phase("STOP", "late-stop", now_ms, session="s2"), retraction("r1", "a1", now_ms)])
    tollgate.ok("wait")
    kinds = [kind for kind, _, _ in lines_of(tollgate, "ann")]
    assert kinds[-2:] == ["SESSION", "RETRACTION"]
    assert lines_of(tollgate, "ann")[-1] == ("RETRACTION", "-120", "-0.028")
    assert "verified" in tollgate.ok("verify")


def test_credit_is_drawn_and_told_with_everything_that_is_won(tollgate: Tollgate, now_ms: int) -> None:
    tollgate.produce([usage("pat", f"p{number}", 70, now_ms + number, meter="sms") for number in range(4)])
    tollgate.ok("wait")
    found = [(one["amount"], one["credit"]) for one in tollgate.json("records", "pat")]
    # 70 at 0.01; then half of (30 at 0.01 + 40 at 0.005), and of 70 at 0.005
    assert found == [("0.7", "0.3"), ("0.25", "0.05"), ("0.175", "0"), ("0.175", "0")]
    assert tollgate.json("balance", "pat")["credit"] == "0"
    told = [billing_pb2.Alert.FromString(one.value) for one in tollgate.context.log.read("billing.alerts")]
    kinds = [billing_pb2.Alert.Kind.Name(one.kind) for one in told if one.customer_id == "pat"]
    assert sorted(kinds) == ["CREDIT_LOW", "PROMOTION_WON", "SPEND_THRESHOLD", "TIER_REACHED"]
    assert "verified" in tollgate.ok("verify")
