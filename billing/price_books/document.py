"""A price book as a plain tree of texts with line numbers, whatever it was written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Plain: TypeAlias = "Mapping[str, Plain] | Sequence[Plain] | str | int | None"


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document: a scalar as text (None: empty), a list or a mapping.

    ``line`` counts from 1 and is the line of the key, or of the list's item; 0 where the
    document has no lines. ``path`` says where in words: ``meters.voice.price.tiers[0]``.
    ``duplicates`` are the keys of a mapping written once more, with that line.
    """

    value: "str | list[Node] | dict[str, Node] | None"
    line: int = 0
    path: str = ""
    duplicates: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class BookError:
    """One thing wrong with a price book: where, what, and what to write instead."""

    line: int
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        """Return it as one line for people."""
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.field or 'document'}: {self.message}; {self.remedy}"


@dataclass(slots=True)
class Errors:
    """The errors found so far, in the order of finding."""

    found: list[BookError] = field(default_factory=list)

    def add(self, node: Node, message: str, remedy: str) -> None:
        """Record what is wrong at a node, and its remedy."""
        self.found.append(BookError(node.line, node.path, message, remedy))

    def by_line(self) -> list[BookError]:
        """Return them from the top of the document to its end."""
        return sorted(self.found, key=lambda error: error.line)


def path_of_key(path: str, key: str) -> str:
    """Return the path of a mapping's key; a key with dots stands in brackets.

    >>> path_of_key("meters", "voice"), path_of_key("meters", "sms.outbound")
    ('meters.voice', 'meters[sms.outbound]')
    """
    if not key.replace("_", "").isalnum():
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def path_of_item(path: str, index: int) -> str:
    """Return the path of a list's item, counted from 0."""
    return f"{path}[{index}]"


def document_from_plain(data: Plain, path: str = "") -> Node:
    """Make a tree without lines from dicts, lists and scalars, such as a protobuf's JSON form.

    An empty text counts as absent, as protobuf cannot tell the two apart.
    """
    if data is None or data == "":
        return Node(None, path=path)
    if isinstance(data, bool):
        return Node("true" if data else "false", path=path)
    if isinstance(data, str | int):
        return Node(str(data), path=path)
    if isinstance(data, Mapping):
        return Node({key: document_from_plain(value, path_of_key(path, key)) for key, value in data.items()}, path=path)
    return Node([document_from_plain(item, path_of_item(path, index)) for index, item in enumerate(data)], path=path)


def plain_from_document(node: Node) -> Plain:
    """Return a tree's dicts, lists and texts; what is empty is left out."""
    if isinstance(node.value, dict):
        return {key: plain_from_document(child) for key, child in node.value.items() if child.value is not None}
    if isinstance(node.value, list):
        return [plain_from_document(item) for item in node.value if item.value is not None]
    return node.value


def items_at(node: Node, key: str) -> list[Node]:
    """Return the items of a list under a mapping's key; empty where there is no such thing."""
    child = node.value.get(key) if isinstance(node.value, dict) else None
    return child.value if child is not None and isinstance(child.value, list) else []


def entries_at(node: Node, key: str) -> dict[str, Node]:
    """Return the entries of a mapping under a mapping's key; empty where there is no such thing."""
    child = node.value.get(key) if isinstance(node.value, dict) else None
    return child.value if child is not None and isinstance(child.value, dict) else {}
