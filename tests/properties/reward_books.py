"""Seeded price books with promotions that are won, prepaid credit and surge, in any order and at odd numbers."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from billing.instants import format_instant
from tests.properties.session_books import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    START_MS,
    UNITS,
    money,
    price,
)

QUANTITY_METERS = {"calls": "per_unit", "bulk": "volume", "texts": "graduated", "pack": "package"}
SURGING = ("calls", "bulk")
SURGES = (("peak", SURGING, (5, 10, 20, 30, 45, 70)), ("talks", ("talk",), (1, 2, 3, 5)))
"""Of each rule its id, its meters, and from where its levels are: a session is one unit."""

CODES = ("SPRING", "HELLO", "GIFT", "LATE")
BASES_MS = tuple(START_MS + days * DAY_MS - 20 * MINUTE_MS for days in (10, 30, 30))
"""About when things happen: in mid-month, and around the end of November in UTC."""


def books(dice: Random, base_ms: int, *, surging: bool) -> list[dict[str, Any]]:
    """Return one or two versions of a book; the second comes into force in the middle of the traffic."""
    terms = {
        "price_book": "b",
        "currency": "USD",
        "cycle": {"period": "month", "timezone": "UTC"},
        "allowed_lateness": dice.choice(("0s", "1h", "1h")),
        "late_policy": dice.choice(("correct", "correct", "correct", "reject")),
        "dedup_horizon": "2d",
    }
    rewards = _promotions(dice)
    contracts = _contracts(dice)
    found = [_version(dice, 1, START_MS, rewards, surging=surging)]
    if dice.random() < 0.3:
        effective_ms = base_ms + dice.randrange(20 * 6) * 10 * SECOND_MS
        kept = dice.sample(rewards, dice.randrange(len(rewards) + 1))
        found.append(_version(dice, 2, effective_ms, kept, surging=surging and dice.random() < 0.8))
        if surging and "surge" in found[1] and dice.random() < 0.6:  # the same windows go on
            windows = [{name: one[name] for name in ("dimension", "window", "lead")} for one in found[0]["surge"]]
            found[1]["surge"] = [one | same for one, same in zip(found[1]["surge"], windows, strict=True)]
    agreed = [contracts, [_topped_up(one) for one in contracts]]
    return [terms | one | {"contracts": held} for one, held in zip(found, agreed, strict=False)]


def _version(
    dice: Random, number: int, effective_ms: int, promotions: list[dict[str, Any]], *, surging: bool
) -> dict[str, Any]:
    meters: dict[str, Any] = {
        name: {"unit": "unit", "price": price(dice, model, UNITS)} for name, model in QUANTITY_METERS.items()
    }
    rules = {"minimum": dice.choice((1, 30)), "increment": dice.choice((1, 15)), "idle_timeout": "1h"}
    meters["talk"] = {"unit": "second", "session": rules, "price": price(dice, "per_unit", UNITS)}
    version = {
        "version": number,
        "effective_from": format_instant(effective_ms),
        "meters": meters,
        "promotions": promotions,
    }
    return version | ({"surge": [_surge(dice, *one) for one in SURGES]} if surging else {})


def _promotions(dice: Random) -> list[dict[str, Any]]:
    """Return some of everything, in any order; an id is always of one kind."""
    pool = [
        {"id": "b1", "kind": "burst", "window": _span(dice), "at_least": dice.choice((5, 20, 60)), "lasts": _span(dice)}
        | {"percent": _percent(dice)},
        {"id": "b2", "kind": "burst", "window": _span(dice), "at_least": 40, "lasts": _span(dice), "percent": "50"},
        {"id": "mu", "kind": "milestone", "units": dice.choice((10, 40, 120)), "percent": _percent(dice)},
        {"id": "mc", "kind": "milestone", "units": dice.choice((10, 40, 120)), "credit": money(dice, 1)},
        {"id": "sp", "kind": "milestone", "spend": money(dice, 5), "percent": _percent(dice)},
        {"id": "sc", "kind": "milestone", "spend": money(dice, 10), "credit": money(dice, 1)},
        {"id": "cp", "kind": "coupon", "codes": ["SPRING", "HELLO"], "percent": _percent(dice)} | _redeemed(dice),
        {"id": "cu", "kind": "coupon", "codes": ["GIFT"], "units": dice.choice((3, 15, 200))} | _redeemed(dice),
        {"id": "f", "kind": "free_units", "units": dice.choice((5, 20, 200))},
        {"id": "p", "kind": "percent_off", "percent": "33.3"},
    ]
    chosen = dice.sample(pool, dice.randrange(1, 8))
    if dice.random() < 0.2:  # what is free in two ways
        chosen += [one for one in pool if one["id"] in ("cu", "f") and one not in chosen]
    return [one | {"meters": dice.choice((["*"], ["calls", "bulk"], ["texts", "talk", "calls"]))} for one in chosen]


def _redeemed(dice: Random) -> dict[str, Any]:
    found: dict[str, Any] = {"max_redemptions": dice.choice((1, 2, 3, 3))}
    if dice.random() < 0.7:
        found["lasts"] = dice.choice(("1m", "3m", "10m", "1h"))
    if dice.random() < 0.3:
        found["from"] = format_instant(dice.choice(BASES_MS) + dice.randrange(10) * MINUTE_MS)
    return found


def _contracts(dice: Random) -> list[dict[str, Any]]:
    """Return what bob and ada agreed: credit paid in advance, which blocks or does not when it is used up."""
    found = []
    for customer in ("bob", "ada"):
        if dice.random() < 0.5:
            one: dict[str, Any] = {"customer_id": customer}
            if dice.random() < 0.8:
                one |= {"prepaid_credit": money(dice, dice.choice((2, 20))), "spend_alerts": ["5"]}
                one["when_credit_is_used_up"] = dice.choice(("block", "continue"))
            if dice.random() < 0.4:
                one["discount_percent"] = _percent(dice)
            found.append(one)
    return found


def _topped_up(contract: dict[str, Any]) -> dict[str, Any]:
    """Return a contract with twice the credit: what comes late draws on it as well."""
    if "prepaid_credit" not in contract:
        return contract
    return contract | {"prepaid_credit": str(2 * Decimal(contract["prepaid_credit"]))}


def _surge(dice: Random, name: str, meters: Sequence[str], units: Sequence[int]) -> dict[str, Any]:
    """Return a rule whose levels traffic of so many units reaches."""
    at_least = sorted(dice.sample(units, dice.randrange(1, 4)))
    factors = sorted(dice.sample(("1", "1.1", "1.25", "1.3333", "1.6", "2.5"), len(at_least)), key=float)
    rule: dict[str, Any] = {
        "id": name,
        "meters": list(meters),
        "dimension": dice.choice(("region", "region", "carrier")),
        "window": dice.choice(("10s", "60s", "60s", "5m")),
        "lead": dice.choice(("0s", "5s", "60s", "90s")),
        "levels": [{"at_least": units, "factor": factor} for units, factor in zip(at_least, factors, strict=True)],
    }
    if dice.random() < 0.5:
        rule["release_below"] = dice.randrange(1, at_least[0] + 1)
    if dice.random() < 0.4:
        rule["model"] = "elasticity"
        rule["parameters"] = {"capacity": dice.choice((3, 10)), "elasticity": dice.choice(("0.5", "1", "1.33", "3"))}
        if dice.random() < 0.5:
            rule["parameters"]["trend"] = dice.choice(("0.25", "1"))
    return rule


def _percent(dice: Random) -> str:
    return dice.choice(("5", "12.5", "33.3", "100"))


def _span(dice: Random) -> str:
    return dice.choice(("30s", "2m", "10m", "1h"))


__all__ = ["BASES_MS", "CODES", "HOUR_MS", "MINUTE_MS", "QUANTITY_METERS", "SECOND_MS", "SURGING", "books"]
