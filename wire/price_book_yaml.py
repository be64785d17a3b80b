"""YAML text -> the core's document tree, every scalar as it was written, with its line."""

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode
from ruamel.yaml.reader import Reader

from billing.price_books.document import BookError, Node, path_of_item, path_of_key

EMPTY = frozenset({"", "~", "null", "Null", "NULL"})
MAX_NODES = 100_000


class _TooLargeError(Exception):
    """Anchors or nesting make the document larger than any price book."""


class _Reader(Reader):
    """Remembers in `reached` the line, from 0, that it was at when it was reset, as it is after an error as well."""

    def reset_reader(self) -> None:
        """Forget the text."""
        self.reached: int = getattr(self, "line", 0)
        super().reset_reader()


def read_yaml(text: str) -> Node | list[BookError]:
    """Read one YAML document.

    No value is converted: ``0.0079``, ``22:00`` and ``2026-11-01T00:00:00Z`` stay these texts, quoted
    or not. Empty values and nulls are None. Anchors and aliases work. Text that is no YAML is one error.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Reader = _Reader
    yaml.composer.warn_double_anchors = False  # an anchor may be given anew
    try:
        composed = yaml.compose(text)
        if composed is None:
            return [BookError(1, "", "the document is empty", "write a price book in it")]
        return _Builder().build(composed, composed.start_mark.line + 1, "")
    except (_TooLargeError, RecursionError):
        return [BookError(1, "", f"the document has more than {MAX_NODES} values", "remove nested or circular anchors")]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        return [BookError(mark.line + 1 if mark else 1, "", str(problem), "correct the YAML on or above this line")]
    except YAMLError as error:
        return [BookError(1, "", str(error).splitlines()[0], "save the file as YAML in UTF-8")]
    except (ValueError, OverflowError, AssertionError):  # numbers that ruamel.yaml does not check
        problem = "an escaped character, or the version of YAML, has a number that does not exist"
        return [BookError(yaml.reader.reached + 1, "", problem, "correct the YAML on or above this line")]


class _Builder:
    """Turns composed nodes into the tree, counting them: an alias counts as often as it is used."""

    def __init__(self) -> None:
        self._nodes = 0

    def build(self, composed: YamlNode, line: int, path: str) -> Node:
        """Return the tree under a composed node; line is that of its key or item, from 1."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooLargeError
        if isinstance(composed, MappingNode):
            return self._mapping(composed, line, path)
        if isinstance(composed, SequenceNode):
            items = enumerate(composed.value)
            return Node([self.build(item, _line(item), path_of_item(path, index)) for index, item in items], line, path)
        return Node(None if _is_empty(composed) else composed.value, line, path)

    def _mapping(self, composed: MappingNode, line: int, path: str) -> Node:
        entries: dict[str, Node] = {}
        duplicates: list[tuple[str, int]] = []
        for key_node, value_node in composed.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else "a list or mapping as a key"
            if key in entries:
                duplicates.append((key, _line(key_node)))
            else:
                entries[key] = self.build(value_node, _line(key_node), path_of_key(path, key))
        return Node(entries, line, path, tuple(duplicates))


def _is_empty(composed: YamlNode) -> bool:
    """Say whether a scalar is nothing: an empty text, or null without quotes."""
    quoted = isinstance(composed, ScalarNode) and composed.style is not None
    return composed.value == "" or (not quoted and composed.value in EMPTY)


def _line(composed: YamlNode) -> int:
    line: int = composed.start_mark.line
    return line + 1
