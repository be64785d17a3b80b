"""What a case of seeded traffic shows, by what the oracle makes of it."""

from collections import Counter
from typing import Any

from billing.instants import parse_instant
from tests.oracle import Ledger
from tests.oracle.log import Event, decode
from tests.properties.session_traffic import Case

Position = tuple[int, int]
OUTCOMES = (
    *("USAGE", "TIER_ADJUSTMENT", "LATE_CORRECTION", "CYCLE_CLOSE", "SESSION", "RETRACTION"),
    *("MALFORMED", "INVALID_FIELD", "WRONG_PARTITION", "FUTURE_EVENT_TIME", "TOO_OLD", "CONFLICTING_DUPLICATE"),
    *("NO_PRICE", "UNKNOWN_METER", "WRONG_MEASURE", "LATE_REJECTED"),
    *("SESSION_CLOSED", "SESSION_WITHOUT_START", "RETRACTION_UNKNOWN_EVENT", "ALREADY_RETRACTED"),
    *("duplicate", "duplicate session", "duplicate retraction", "absorbed", "pending session", "pending retraction"),
    *("conflicting session", "conflicting retraction", "contradicting phase", "late rejected session"),
    *("session timed out", "session late", "session of 0 units", "session with updates", "session started last"),
    *("session over the end of a cycle", "session with free units", "session at a discount", "session by volume"),
    "session id used again",
    *("session and tier adjustment", "retraction held", "retraction of a session", "retraction of a timed-out session"),
    *("retraction late", "retraction of what was late", "retraction gives free units back"),
    *("retraction by volume", "retraction without its tier adjustment", "held retraction of a retracted event"),
)


def outcomes(case: Case, ledger: Ledger) -> Counter[str]:
    """Count what a case shows."""
    found = Counter(one["kind"] for one in ledger.records)
    found += Counter(reason for _, _, reason in ledger.dead_letters)
    found += Counter({"duplicate": len(ledger.duplicates), "absorbed": len(ledger.absorbed)})
    found += Counter(f"pending {event_at(case, at).measure}" for at in ledger.pending)
    found += Counter(f"duplicate {event_at(case, at).measure}" for at in ledger.duplicates)
    found += Counter(name for *at, reason in ledger.dead_letters for name in of_letter(case, (at[0], at[1]), reason))
    by_id = {one["record_id"]: one for one in ledger.records}
    retracted = {one["retracts"] for one in ledger.records if one["retracts"]}
    for one in ledger.records:
        found += Counter(of_session(one) if one["kind"] == "SESSION" else ())
        if one["retracts"]:
            found += Counter(of_retraction(case, one, by_id[one["retracts"]]))
        if one["kind"] == "TIER_ADJUSTMENT":
            owner, rest = one["record_id"]
            found["session and tier adjustment"] += "-session" in rest
            found["retraction without its tier adjustment"] += (owner, rest.removesuffix("-tier")) in retracted
    billed = Counter((one["customer_id"], one["session_id"]) for one in ledger.records if one["session_id"])
    found["session id used again"] += sum(times > 1 for times in billed.values())
    for partition, offset, reason in ledger.dead_letters:
        at = partition, offset
        if reason == "ALREADY_RETRACTED" and any(was_held(case, at, by_id[one]) for one in retracted):
            found["held retraction of a retracted event"] += 1
    return found


def of_letter(case: Case, at: Position, reason: str) -> list[str]:
    """Name what a dead letter shows."""
    if reason == "MALFORMED":
        return []
    event = event_at(case, at)
    shown = {
        f"conflicting {event.measure}": reason == "CONFLICTING_DUPLICATE",
        "late rejected session": reason == "LATE_REJECTED" and event.measure == "session",
        "contradicting phase": reason == "INVALID_FIELD" and is_whole_phase(event),
    }
    return [name for name, is_so in shown.items() if is_so]


def of_session(one: dict[str, Any]) -> list[str]:
    """Name what a SESSION record shows."""
    start, *_ = one["session_events"]
    positions = [at for *_, at in one["session_events"]]
    shown = {
        "session timed out": one["timed_out"],
        "session late": one["late"],
        "session of 0 units": one["quantity"] == 0,
        "session with updates": any(phase == "UPDATE" for _, phase, _, _ in one["session_events"]),
        "session started last": len(positions) > 1 and start[3] == max(positions),
        "session over the end of a cycle": month_of(start[2]) != month_of(one["event_time_ms"]),
        "session with free units": has_free_units(one),
        "session at a discount": any(delta for _, _, delta in one["adjustments"]),
        "session by volume": one["meter"] == "ride",
    }
    return [name for name, is_so in shown.items() if is_so]


def of_retraction(case: Case, one: dict[str, Any], original: dict[str, Any]) -> list[str]:
    """Name what a RETRACTION record shows."""
    shown = {
        "retraction held": was_held(case, (one["partition"], one["offset"]), original),
        "retraction of a session": original["kind"] == "SESSION",
        "retraction of a timed-out session": original["timed_out"],
        "retraction late": one["late"],
        "retraction of what was late": original["late"],
        "retraction gives free units back": has_free_units(original),
        "retraction by volume": one["meter"] in ("bulk", "ride"),
    }
    return [name for name, is_so in shown.items() if is_so]


def was_held(case: Case, at: Position, original: dict[str, Any]) -> bool:
    """Say whether a retraction of a record arrived before it was rated."""
    named = {original["event_id"], *(event_id for event_id, _, _, _ in original["session_events"])}
    placed = [(original["partition"], original["offset"]), *(part[3] for part in original["session_events"])]
    return event_at(case, at).target_id in named and at < max(placed)


def has_free_units(one: dict[str, Any]) -> bool:
    return one["quantity"] > sum(units for _, _, units, _, _ in one["slices"])


def month_of(ms: int) -> bool:
    """Tell November from December, in UTC."""
    return ms >= parse_instant("2026-12-01T00:00:00Z")


def is_whole_phase(event: Event) -> bool:
    return event.phase in (1, 2, 3) and 0 < len(event.session_id) <= 60


def is_heartbeat(case: Case, at: Position) -> bool:
    return event_at(case, at).measure == "heartbeat"


def event_at(case: Case, at: Position) -> Event:
    event = decode(case.partitions[at[0]][at[1]].value)
    assert event is not None
    return event
