"""Reading one mapping of a price book: every field once, every mistake noted with its line."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TypeVar

from billing.price_books.document import Errors, Node

T = TypeVar("T")

MAX_TEXT = 200


class Fields:
    """The fields of one mapping, with its errors.

    Made with the keys that may appear: any other, and any written twice, is an error at once.
    A value that is empty counts as absent. Readers turn a text into a value or raise ValueError with
    "what is wrong" or "what is wrong: what to write instead".
    """

    def __init__(self, node: Node, errors: Errors, known: Iterable[str]) -> None:
        self.node = node
        self.errors = errors
        self._entries: dict[str, Node] = {}
        self._readable = isinstance(node.value, dict)
        if isinstance(node.value, dict):
            self._entries = {key: child for key, child in node.value.items() if child.value is not None}
            _check_keys(node, node.value, tuple(known), errors)
        else:
            errors.add(node, "is not a mapping of fields", "write it as key: value pairs")

    def has(self, name: str) -> bool:
        """Say whether the field is there, right or wrong."""
        return name in self._entries

    def node_of(self, name: str) -> Node:
        """Return the field's node, or the mapping's own where it is absent: where to report."""
        return self._entries.get(name, self.node)

    def required(self, name: str, read: Callable[[str], T]) -> T | None:
        """Read a field that must be there; None where an error was added."""
        self._check_present(name)
        return self.optional(name, read)

    def default(self, name: str, read: Callable[[str], T], fallback: T) -> T:
        """Read a field, or return the fallback where it is absent or wrong."""
        value = self.optional(name, read)
        return fallback if value is None else value

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """Read a field; None where it is absent, or wrong and an error was added."""
        node = self._entries.get(name)
        return None if node is None else read_scalar(node, read, self.errors)

    def child(self, name: str, *, required: bool = False) -> Node | None:
        """Return a field's node to be read further; None where it is absent."""
        if required:
            self._check_present(name)
        return self._entries.get(name)

    def items(self, name: str, *, required: bool = False) -> list[Node]:
        """Return the items of a list field; an empty list where it is absent or no list."""
        node = self.child(name, required=required)
        if node is None:
            return []
        if not isinstance(node.value, list):
            self.errors.add(node, "is not a list", f"write {name}: [...], or one item a line after a dash")
            return []
        if required and not node.value:
            self.errors.add(node, "is an empty list", "give it at least one item")
        return node.value

    def named_entries(self, name: str, read: Callable[[str], str], *, required: bool = False) -> dict[str, Node]:
        """Return the entries of a mapping whose keys are free names, each checked by a reader."""
        node = self.child(name, required=required)
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.errors.add(node, "is not a mapping", f"write {name} as name: value pairs")
            return {}
        if required and not node.value:
            self.errors.add(node, "is empty", f"give {name} at least one entry")
        _check_duplicates(node, self.errors)
        for key, child in node.value.items():
            read_scalar(Node(key, child.line, child.path), read, self.errors)
        return node.value

    def _check_present(self, name: str) -> None:
        if self._readable and name not in self._entries:
            self.errors.add(self.node, f"{name} is missing", f"add {name}")


def read_scalar(node: Node, read: Callable[[str], T], errors: Errors) -> T | None:
    """Read a text with a reader; None where an error was added."""
    if not isinstance(node.value, str):
        errors.add(node, "is not a single value", "write one text or number")
        return None
    if len(node.value) > MAX_TEXT:
        errors.add(node, f"is longer than {MAX_TEXT} characters", "shorten it")
        return None
    try:
        return read(node.value)
    except ValueError as error:
        message, remedy = _split(str(error), node.value)
        errors.add(node, message, remedy)
        return None


def _split(text: str, written: str) -> tuple[str, str]:
    """Split a reader's text into what is wrong and what to write instead."""
    message, colon, remedy = text.rpartition(": ")
    if not colon or ": " in written:
        return text, "correct the value"
    return message, remedy


def one_of(node: Node, name: str, choices: tuple[str, ...], errors: Errors) -> str | None:
    """Read the field that says which of several forms a mapping has; None where an error was added."""
    if not isinstance(node.value, dict):
        errors.add(node, "is not a mapping of fields", f"write {name} and its fields as key: value pairs")
        return None
    chosen = node.value.get(name)
    if chosen is None or chosen.value is None:
        errors.add(node, f"{name} is missing", f"add {name}: one of {', '.join(choices)}")
        return None
    if not isinstance(chosen.value, str) or chosen.value not in choices:
        written = chosen.value if isinstance(chosen.value, str) else "a list or mapping"
        errors.add(chosen, f"{written!r} is not a {name} that is known", suggestion(written, choices))
        return None
    return chosen.value


def suggestion(written: str, choices: Iterable[str]) -> str:
    """Return the remedy for a name that is not known: the nearest known ones."""
    known = list(choices)
    near = get_close_matches(written, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"use one of {', '.join(known)}" if known else "remove it"


def _check_keys(node: Node, entries: dict[str, Node], known: tuple[str, ...], errors: Errors) -> None:
    for key, child in entries.items():
        if key not in known:
            errors.add(child, "is not a field that is known here", suggestion(key, known))
    _check_duplicates(node, errors)


def _check_duplicates(node: Node, errors: Errors) -> None:
    for key, line in node.duplicates:
        errors.add(Node(None, line, node.path), f"{key} is written twice", "remove one of the two")
