"""What changed from one price book to another, in words."""

from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from billing.price_books.document import Node

Tree: TypeAlias = "dict[str, Tree] | str"

_NAMED_BY = ("id", "customer_id")
_NOUNS = {
    "meters": "meter",
    "plans": "plan",
    "promotions": "promotion",
    "surge": "surge rule",
    "contracts": "contract of",
    "tiers": "tier",
    "levels": "level",
    "prices": "price of",
}
_NAMES_BELOW = ("meters", "plans", "prices")
"""Below these stand names that the book gives, which may be like the words above."""


def differences(old: Node, new: Node) -> list[str]:
    """Return every difference of two documents, a sentence each; none: they say the same."""
    return list(_compare("", _tree(old), _tree(new)))


def _tree(node: Node, *, names: bool = False) -> Tree:
    """Return a document as nested mappings: items of lists by their id, else by their place from 1.

    What is empty counts as absent, as it does on the topic. `names` says that the keys are names that the book gives.
    """
    if isinstance(node.value, dict):
        return {
            name if names else _label(name, child): _tree(child, names=name in _NAMES_BELOW and not names)
            for name, child in node.value.items()
            if child.value
        }
    if isinstance(node.value, list):
        items = enumerate(node.value, 1)
        if all(isinstance(item.value, str) for item in node.value):
            return ", ".join(str(item.value) for item in node.value)
        return {_name(item) or str(place): _tree(item) for place, item in items}
    return node.value or ""


def _label(name: str, child: Node) -> str:
    texts = isinstance(child.value, list) and all(isinstance(item.value, str) for item in child.value)
    return name if texts or isinstance(child.value, str) else _NOUNS.get(name, name)


def _name(item: Node) -> str:
    fields = item.value if isinstance(item.value, dict) else {}
    return next((str(fields[name].value) for name in _NAMED_BY if name in fields), "")


def _compare(path: str, old: Tree, new: Tree) -> Iterator[str]:
    if isinstance(old, str) or isinstance(new, str):
        if old != new:
            yield f"{path}: {_said(old)} becomes {_said(new)}"
        return
    for name in dict.fromkeys((*old, *new)):
        where = _joined(path, name)
        if name not in new:
            yield f"{where}: removed ({_said(old[name])})"
        elif name not in old:
            yield f"{where}: new ({_said(new[name])})"
        else:
            yield from _compare(where, old[name], new[name])
    if path == _NOUNS["promotions"]:
        yield from _reordered(old, new)


def _reordered(old: Iterable[str], new: Collection[str]) -> Iterator[str]:
    """Say the order of those on both sides, where it changes: promotions are applied in the order of the book."""
    before = [name for name in old if name in new]
    after = [name for name in new if name in before]
    if before != after:
        yield f"promotions: applied in the order {', '.join(after)} instead of {', '.join(before)}"


def _joined(path: str, name: str) -> str:
    """Return "meter sms, price, tier 1": a noun and what it names stand together."""
    if not path:
        return name
    last = path.rpartition(", ")[2]
    return f"{path} {name}" if last in _NOUNS.values() else f"{path}, {name}"


def _said(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree or "nothing"
    return ", ".join(f"{name} {_said(child)}" for name, child in tree.items())
