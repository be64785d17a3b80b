"""The surge rules of a price book (contract sections 4 and 6)."""

from fractions import Fraction

from billing.durations import parse_duration
from billing.money import parse_decimal
from billing.price_books.document import Errors, Node, items_at, path_of_key
from billing.price_books.fields import Fields, read_scalar, suggestion
from billing.price_books.parse_promotions import check_unique
from billing.price_books.readers import identifier, label, positive_duration, positive_whole
from billing.surge import MODELS, SurgeLevel, SurgeModel, SurgeRule
from billing.surge.rule import decimal_text

MAX_LEVELS = 20
MAX_FACTOR_LENGTH = 20
"""Exact products of factors are kept in the state: their digits must stay few."""

SURGE_FIELDS = ("id", "meters", "dimension", "window", "lead", "levels", "release_below", "model", "parameters")


def parse_surge(parent: Fields) -> tuple[SurgeRule, ...]:
    """Read ``surge``; rules with errors are left out."""
    nodes = parent.items("surge")
    found = [_parse_rule(Fields(node, parent.errors, SURGE_FIELDS)) for node in nodes]
    check_unique(nodes, "id", parent.errors)
    _check_one_rule_per_meter(nodes, parent.errors)
    return tuple(rule for rule in found if rule is not None)


def _parse_rule(fields: Fields) -> SurgeRule | None:
    rule_id = fields.required("id", identifier)
    names = [read_scalar(node, str, fields.errors) for node in fields.items("meters", required=True)]
    dimension = fields.required("dimension", label)
    window_ms = fields.required("window", positive_duration)
    lead_ms = fields.required("lead", parse_duration)
    levels = _parse_levels(fields)
    release_below = _parse_release_below(fields, levels)
    model = _parse_model(fields)
    if rule_id is None or dimension is None or window_ms is None or lead_ms is None or release_below is None:
        return None
    if model is None:
        return None
    return SurgeRule(
        id=rule_id,
        meters=tuple(name for name in names if name is not None),
        dimension=dimension,
        window_ms=window_ms,
        lead_ms=lead_ms,
        levels=levels,
        release_below=release_below,
        model=model,
    )


def _parse_levels(parent: Fields) -> tuple[SurgeLevel, ...]:
    """Read the levels; both threshold and factor must rise from one to the next."""
    levels: list[SurgeLevel] = []
    nodes = parent.items("levels", required=True)
    if len(nodes) > MAX_LEVELS:
        parent.errors.add(nodes[MAX_LEVELS], f"there are more than {MAX_LEVELS} levels", "write fewer")
        return ()
    for node in nodes:
        fields = Fields(node, parent.errors, ("at_least", "factor"))
        at_least = fields.required("at_least", positive_whole)
        factor = fields.required("factor", _factor)
        if at_least is None or factor is None:
            continue
        level = SurgeLevel(at_least, factor)
        if levels:
            _check_rising(fields, levels[-1], level)
        levels.append(level)
    return tuple(levels)


def _check_rising(fields: Fields, before: SurgeLevel, level: SurgeLevel) -> None:
    if level.at_least <= before.at_least:
        fields.errors.add(
            fields.node_of("at_least"),
            f"at_least {level.at_least} is not above the level before, {before.at_least}",
            "put the levels in rising order",
        )
    if level.factor <= before.factor:
        written, factor = decimal_text(level.factor), decimal_text(before.factor)
        fields.errors.add(
            fields.node_of("factor"),
            f"factor {written} is not above that of the level before, {factor}",
            "let the factor rise with demand",
        )


def _parse_release_below(fields: Fields, levels: tuple[SurgeLevel, ...]) -> int | None:
    """Return the demand under which the last level ends: the first level's own unless written."""
    written = fields.optional("release_below", positive_whole)
    if not levels:
        return written
    first = levels[0].at_least
    if written is not None and written > first:
        fields.errors.add(
            fields.node_of("release_below"),
            f"release_below {written} is above the first level, {first}, so surge would end where it starts",
            f"set release_below to {first} or less",
        )
    return first if written is None else written


def _parse_model(parent: Fields) -> SurgeModel | None:
    """Return the function of demand with its parameters; None where an error was added."""
    model = MODELS[parent.default("model", _model, "levels")]
    absent = Node({}, parent.node_of("model").line, path_of_key(parent.node.path, "parameters"))
    node = parent.child("parameters") or absent
    before = len(parent.errors.found)
    parsed = model.parse(Fields(node, parent.errors, model.parameter_names()))
    return parsed if len(parent.errors.found) == before else None


def _check_one_rule_per_meter(nodes: list[Node], errors: Errors) -> None:
    """Check that no meter is in two rules: it has one factor at a time."""
    seen: set[str] = set()
    for node in (item for rule in nodes for item in items_at(rule, "meters")):
        if isinstance(node.value, str) and node.value in seen:
            errors.add(node, f"{node.value} is in a surge rule already", "leave it in one of the two")
        seen.add(str(node.value))


def _model(text: str) -> str:
    if text not in MODELS:
        raise ValueError(f"{text!r} is not a surge model: {suggestion(text, MODELS)}")
    return text


def _factor(text: str) -> Fraction:
    if len(text) > MAX_FACTOR_LENGTH:
        raise ValueError(f"factor {text[:MAX_FACTOR_LENGTH]}... has too many digits: write at most {MAX_FACTOR_LENGTH}")
    factor = Fraction(*parse_decimal(text))
    if factor < 1:
        raise ValueError(f"factor {text} is below 1, the price as listed: a discount is a promotion")
    return factor
