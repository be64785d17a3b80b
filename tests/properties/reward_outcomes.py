"""What a case of rewards and surge shows, by what the oracle makes of it."""

from collections import Counter
from typing import Any

from tests.oracle import Ledger
from tests.properties.session_outcomes import event_at
from tests.properties.session_traffic import Case

KINDS = {"b1": "burst", "b2": "burst", "mu": "milestone of units", "sp": "milestone of spend", "cp": "coupon"}
REWARDS = (
    *(
        "percent of a burst",
        "percent of a milestone of units",
        "percent of a milestone of spend",
        "percent of a coupon",
    ),
    *("several percentages won", "free units of a coupon"),
    "free units of a coupon and of a promotion",
    *("credit for units", "credit for spend", "credit after a tier adjustment", "two credits at once"),
    *("reward of a session", "reward of what was late", "reward by volume", "coupon redeemed twice"),
    *("free units of a coupon given back", "retraction after a credit"),
    *("prepaid credit drawn", "prepaid credit used up", "prepaid credit given back", "CREDIT_EXHAUSTED"),
    *("session without credit", "credit in prepaid credit"),
)
SURGES = (
    *("surge by levels", "surge by elasticity", "surge without dimension", "surge and percentage", "surge by volume"),
    *("surge and tier adjustment", "surge retracted", "surge late", "surge with free units", "several factors"),
    *("surge under version 2", "waits for its factor", "waits behind another", "session waits", "USAGE", "duplicate"),
    "surge of a session",
)


def rewards(case: Case, ledger: Ledger) -> Counter[str]:
    """Count what a case shows of rewards."""
    found = Counter(reason for *_, reason in ledger.dead_letters)
    found["session without credit"] += sum(
        reason == "CREDIT_EXHAUSTED" and event_at(case, (at[0], at[1])).measure == "session"
        for *at, reason in ledger.dead_letters
    )
    by_id = {one["record_id"]: one for one in ledger.records}
    credits_of = Counter(one["event_id"] for one in ledger.records if one["kind"] == "CREDIT")
    found["two credits at once"] += sum(times > 1 for times in credits_of.values())
    adjusted = {one["event_id"] for one in ledger.records if one["kind"] == "TIER_ADJUSTMENT"}
    found["credit after a tier adjustment"] += len(adjusted & credits_of.keys())
    left: dict[str, Any] = {}
    for one in ledger.records:
        before, left[one["customer_id"]] = left.get(one["customer_id"]), one["credit"]
        found += Counter(_of_credit(one, before))
        if one["kind"] == "CREDIT":
            found["credit for units"] += one["adjustments"][0][0] == "mc"
            found["credit for spend"] += one["adjustments"][0][0] == "sc"
        elif one["retracts"]:
            original = by_id[one["retracts"]]
            found["free units of a coupon given back"] += _frees(original, "cu")
            found["retraction after a credit"] += original["event_id"] in credits_of
        else:
            found += Counter(_of_reward(one))
    codes = Counter(
        (one["customer_id"], one["cycle"])
        for one in ledger.records
        if one["partition"] is not None
        and event_at(case, (one["partition"], one["offset"])).dimension("coupon") == "GIFT"
        and _frees(one, "cu")
    )
    found["coupon redeemed twice"] += sum(times > 1 for times in codes.values())
    return found


def _of_credit(one: dict[str, Any], before: Any) -> list[str]:
    """Name what a record shows of prepaid credit."""
    now = one["credit"]
    if now is None:
        return []
    shown = {
        "prepaid credit drawn": before is not None and now < before,
        "prepaid credit used up": now == 0 and before != 0,
        "prepaid credit given back": before is not None and now > before,
        "credit in prepaid credit": one["kind"] == "CREDIT",
    }
    return [name for name, is_so in shown.items() if is_so]


def _of_reward(one: dict[str, Any]) -> list[str]:
    """Name what promotions won gave a record."""
    percents = [KINDS[name] for name, _, delta in one["adjustments"] if delta and name in KINDS]
    freed = [name for name, _, delta in one["adjustments"] if not delta and name in ("cu", "f")]
    won = bool(percents) or "cu" in freed
    shown = {
        "several percentages won": len(percents) > 1,
        "free units of a coupon": _frees(one, "cu"),
        "free units of a coupon and of a promotion": len(freed) > 1,
        "reward of a session": won and one["kind"] == "SESSION",
        "reward of what was late": won and one["late"],
        "reward by volume": won and one["meter"] == "bulk",
    }
    return [f"percent of a {kind}" for kind in percents] + [name for name, is_so in shown.items() if is_so]


def _frees(one: dict[str, Any], promotion: str) -> bool:
    return any(name == promotion and not delta for name, _, delta in one["adjustments"])


def surges(case: Case, ledger: Ledger) -> Counter[str]:
    """Count what a case shows of surge."""
    found = Counter(one["kind"] for one in ledger.records) + Counter({"duplicate": len(ledger.duplicates)})
    by_id = {one["record_id"]: one for one in ledger.records}
    adjusted = {one["event_id"] for one in ledger.records if one["kind"] == "TIER_ADJUSTMENT"}
    rules = {
        (int(book["version"]), meter): rule
        for book in case.books
        for rule in book.get("surge", ())
        for meter in rule["meters"]
    }
    factors = set()
    for one in ledger.records:
        if one["retracts"]:
            found["surge retracted"] += _surge_of(by_id[one["retracts"]]) is not None
        if _surge_of(one) is not None:
            found += Counter(_of_surge(case, one, rules[one["price_book"][1], one["meter"]], adjusted))
            factors.add((_surge_of(one), sum(amount for *_, amount in one["slices"])))
    found["several factors"] += len({delta / amount for delta, amount in factors if amount}) > 1
    waiting = [event_at(case, at) for at in ledger.pending]
    undecided = [one for one in waiting if one.measure == "quantity"]
    found["waits for its factor"] += bool(undecided)
    found["waits behind another"] += len(undecided) > 1
    found["session waits"] += bool(undecided) and any(one.measure == "session" for one in waiting)
    return found


def _of_surge(case: Case, one: dict[str, Any], rule: dict[str, Any], adjusted: set[str]) -> list[str]:
    """Name what a record with a factor shows."""
    value = event_at(case, (one["partition"], one["offset"])).dimension(rule["dimension"])
    shown = {
        "surge by levels": rule.get("model") is None,
        "surge by elasticity": rule.get("model") == "elasticity",
        "surge without dimension": not value or len(value) > 100,
        "surge and percentage": sum(bool(delta) for *_, delta in one["adjustments"]) > 1,
        "surge by volume": one["meter"] == "bulk",
        "surge and tier adjustment": one["event_id"] in adjusted,
        "surge late": one["late"],
        "surge of a session": one["kind"] == "SESSION",
        "surge with free units": any(not delta for *_, delta in one["adjustments"]),
        "surge under version 2": one["price_book"][1] == 2,
    }
    return [name for name, is_so in shown.items() if is_so]


def _surge_of(one: dict[str, Any]) -> Any:
    return next((delta for _, kind, delta in one["adjustments"] if kind == "SURGE"), None)
