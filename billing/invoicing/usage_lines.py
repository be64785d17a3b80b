"""Usage, added up by meter, tier and promotion."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import NamedTuple

from billing.invoicing.facts import CYCLE_CLOSE, TIER_ADJUSTMENT, UsageFact
from billing.invoicing.lines import Line, LineKind


class Part(IntEnum):
    """What part of a meter's amount a line is; in the order in which they are shown."""

    FREE = 0
    TIER = 1
    FEE = 2
    RETIERED = 3
    CHANGE = 4
    OTHER = 5


class UsageKey(NamedTuple):
    """What a line adds up. `name` and `terms` are, of a tier, its price and for how many units it is."""

    corrects: str
    meter: str
    part: Part
    name: str
    terms: str


class Sum(NamedTuple):
    """Units and picos so far, and the lowest unit's number, for the order of tiers."""

    quantity: int
    picos: int
    first_unit: int


Tally = dict[UsageKey, Sum]


def add_usage(tally: Tally, fact: UsageFact, corrects: str) -> None:
    """Add a record. What its parts do not explain is kept as a part of its own, so that nothing is lost."""
    rest_picos = fact.picos
    for one in fact.units:
        tier = UsageKey(corrects, fact.meter, Part.TIER, one.unit_price, str(one.per))
        _add(tally, tier, one.quantity, one.picos - one.flat_fee_picos, one.first_unit)
        if one.flat_fee_picos:
            _add(tally, UsageKey(corrects, fact.meter, Part.FEE, "", ""), 0, one.flat_fee_picos, one.first_unit)
        rest_picos -= one.picos
    for change in fact.changes:
        if change.free_units:
            _add(tally, UsageKey(corrects, fact.meter, Part.FREE, change.id, ""), change.free_units, change.picos, 0)
        else:
            name = change.kind if change.kind == "CONTRACT_DISCOUNT" else f"{change.kind}:{change.id}"
            _add(tally, UsageKey(corrects, fact.meter, Part.CHANGE, name, change.terms), 0, change.picos, 0)
        rest_picos -= change.picos
    if rest_picos:
        part = Part.RETIERED if fact.kind == TIER_ADJUSTMENT else Part.OTHER
        _add(tally, UsageKey(corrects, fact.meter, part, fact.kind, ""), fact.quantity, rest_picos, 0)


def corrected_by(fact: UsageFact) -> str:
    """Return the cycle that a record corrects, empty where it is of the one that it is billed in."""
    return "" if fact.corrects_cycle == fact.cycle or fact.kind == CYCLE_CLOSE else fact.corrects_cycle


def _add(tally: Tally, key: UsageKey, quantity: int, picos: int, first_unit: int) -> None:
    known = tally.get(key)
    if known is None:
        tally[key] = Sum(quantity, picos, first_unit)
    else:
        tally[key] = Sum(known.quantity + quantity, known.picos + picos, min(known.first_unit, first_unit))


def usage_lines(tally: Tally) -> list[Line]:
    """Return the lines: usage of the period first, then by what is corrected; by meter and part."""
    keys = sorted(tally, key=lambda key: (key.corrects, key.meter, key.part, tally[key].first_unit, key))
    return [_line(key, tally[key]) for key in keys]


def _line(key: UsageKey, total: Sum) -> Line:
    kind = LineKind.CORRECTION if key.corrects else LineKind.USAGE
    return Line(kind, describe(key, total.quantity), total.picos, key.meter, total.quantity, key.corrects)


def describe(key: UsageKey, quantity: int) -> str:
    """Say what a line adds up."""
    text = f"{key.meter}: {_DESCRIPTIONS[key.part](key, quantity)}"
    return f"{text}; correction of {key.corrects}" if key.corrects else text


def _units(quantity: int) -> str:
    return f"{quantity:,} unit{'' if quantity == 1 else 's'}"


def _tier(key: UsageKey, quantity: int) -> str:
    per = f" per {int(key.terms):,}" if key.terms != "1" else ""
    return f"{_units(quantity)} at {key.name}{per}"


def _change(key: UsageKey, _: int) -> str:
    kind, _colon, name = key.name.partition(":")
    if kind == "CONTRACT_DISCOUNT":
        return f"{key.terms} % off by contract"
    if kind == "PROMOTION":
        return f"{key.terms} % off by promotion {name}" if key.terms else f"credit of promotion {name}"
    return f"{kind.lower()} {name}" + (f" ({key.terms})" if key.terms else "")


_DESCRIPTIONS: Mapping[Part, Callable[[UsageKey, int], str]] = {
    Part.FREE: lambda key, quantity: f"{_units(quantity)} free by promotion {key.name}",
    Part.TIER: _tier,
    Part.FEE: lambda _key, _quantity: "flat fees of tiers begun",
    Part.RETIERED: lambda _key, _quantity: "earlier units at the price of the tier reached since",
    Part.CHANGE: _change,
    Part.OTHER: lambda key, quantity: f"{_units(quantity)}, {key.name.lower().replace('_', ' ')}",
}
