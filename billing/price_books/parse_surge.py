"""The surge rules of a price book (contract sections 4 and 6)."""

from billing.durations import parse_duration
from billing.money import parse_decimal
from billing.price_books.document import Errors, Node, items_at
from billing.price_books.fields import Fields, read_scalar, suggestion
from billing.price_books.model import SurgeLevel, SurgeRule
from billing.price_books.parse_promotions import check_unique
from billing.price_books.readers import identifier, label, positive_duration, positive_whole

# The functions of demand that the detector has, each with the parameters it takes.
SURGE_MODELS: dict[str, tuple[str, ...]] = {"levels": ()}

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
    model = fields.default("model", _model, "levels")
    parameters = _parse_parameters(fields, model)
    if rule_id is None or dimension is None or window_ms is None or lead_ms is None or release_below is None:
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
        parameters=parameters,
    )


def _parse_levels(parent: Fields) -> tuple[SurgeLevel, ...]:
    """Read the levels; both threshold and factor must rise from one to the next."""
    levels: list[SurgeLevel] = []
    for node in parent.items("levels", required=True):
        fields = Fields(node, parent.errors, ("at_least", "factor"))
        at_least = fields.required("at_least", positive_whole)
        factor = fields.required("factor", _factor)
        if at_least is None or factor is None:
            continue
        level = SurgeLevel(at_least, *factor)
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
    if level.factor_numerator * before.factor_denominator <= before.factor_numerator * level.factor_denominator:
        fields.errors.add(
            fields.node_of("factor"),
            f"factor {level.factor} is not above that of the level before, {before.factor}",
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


def _parse_parameters(parent: Fields, model: str) -> dict[str, str]:
    node = parent.child("parameters")
    if node is None:
        return {}
    fields = Fields(node, parent.errors, SURGE_MODELS[model])
    values = {name: fields.optional(name, label) for name in SURGE_MODELS[model]}
    return {name: value for name, value in values.items() if value is not None}


def _check_one_rule_per_meter(nodes: list[Node], errors: Errors) -> None:
    """Check that no meter is in two rules: it has one factor at a time."""
    seen: set[str] = set()
    for node in (item for rule in nodes for item in items_at(rule, "meters")):
        if isinstance(node.value, str) and node.value in seen:
            errors.add(node, f"{node.value} is in a surge rule already", "leave it in one of the two")
        seen.add(str(node.value))


def _model(text: str) -> str:
    if text not in SURGE_MODELS:
        raise ValueError(f"{text!r} is not a surge model: {suggestion(text, SURGE_MODELS)}")
    return text


def _factor(text: str) -> tuple[str, int, int]:
    numerator, denominator = parse_decimal(text)
    if numerator <= 0:
        raise ValueError(f"factor {text} is not above 0: 1 is the price as listed")
    return text, numerator, denominator
