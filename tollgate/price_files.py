"""Price books and contracts in YAML files: reading, validating, naming what this release does not bill."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from billing.instants import format_instant
from billing.price_books.document import BookError, Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.model import Contract, PriceBook
from billing.price_books.parse_draft import parse_draft, parse_draft_contract
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.price_book_yaml import read_yaml
from wire.price_books import to_contract_message, to_message


class Draft(NamedTuple):
    """One valid price book or contract of a file."""

    file: Path
    content: PriceBook | Contract
    node: Node

    @property
    def key(self) -> str:
        """The key on its topic (contract, section 2)."""
        if isinstance(self.content, PriceBook):
            return self.content.key
        return f"{self.content.customer_id}@{format_instant(self.content.effective_from_ms or 0)}"

    @property
    def message(self) -> bytes:
        """The bytes on its topic."""
        convert = to_message if isinstance(self.content, PriceBook) else to_contract_message
        return convert(self.node).SerializeToString(deterministic=True)

    @property
    def effective_from(self) -> str:
        """From when on it is in force, as text."""
        return format_instant(self.content.effective_from_ms or 0)


def read_drafts(files: Sequence[Path], report: Callable[[str], None]) -> list[Draft]:
    """Read and validate files; reports every error of all of them with file and line.

    A file holds a price book, a contract (it begins with `customer_id`), or a list of them under
    `contracts` alone. Raises StackError where there is any error.
    """
    drafts: list[Draft] = []
    count = 0
    for file in files:
        for found in _read(file):
            if isinstance(found, Draft):
                drafts.append(found)
            else:
                count += 1
                report(f"{file}:{found.line}: {words_of(found)}")
    if count:
        raise StackError(f"{counted(count, 'error')} in {counted(len(files), 'file')}", "correct the lines above")
    return drafts


def _read(file: Path) -> Iterator[Draft | BookError]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "name a price book or a contract in YAML"
        raise StackError(f"{file} cannot be read ({error})", remedy, EXIT_UNUSABLE) from error
    node = read_yaml(text)
    if isinstance(node, list):
        yield from node
        return
    for one, parsed in _contents(node):
        if isinstance(parsed, list):
            yield from parsed
        else:
            yield Draft(file, parsed, one)


def _contents(node: Node) -> Iterator[tuple[Node, PriceBook | Contract | list[BookError]]]:
    fields = node.value if isinstance(node.value, dict) else {}
    listed = fields["contracts"] if set(fields) == {"contracts"} else None
    if listed is not None and node.duplicates:
        errors = Errors()
        Fields(node, errors, fields)
        yield node, errors.found
    if listed is not None and not listed.value:
        yield listed, [BookError(listed.line, listed.path, "there is no contract in it", "list one at least")]
    elif listed is not None and isinstance(listed.value, list):
        for one in listed.value:
            yield one, parse_draft_contract(one)
    elif "customer_id" in fields:
        yield node, parse_draft_contract(node)
    else:
        yield node, parse_draft(node)


def words_of(error: BookError) -> str:
    """Return what is wrong and the remedy, with the field."""
    return f"{error.field}: {error.message}; {error.remedy}" if error.field else f"{error.message}; {error.remedy}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "file"), counted(2, "file")
    ('1 file', '2 files')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
