"""Price books from YAML with lines, and to and from messages without loss."""

import textwrap
from pathlib import Path

import pytest

from billing.price_books.document import BookError, Node, plain_from_document
from billing.price_books.model import Contract, PriceBook
from billing.price_books.parse import parse_price_book
from billing.price_books.parse_contracts import parse_contract
from wire.price_book_yaml import read_yaml
from wire.price_books import from_contract_message, from_message, to_contract_message, to_message

BOOKS = sorted((Path(__file__).parents[3] / "conf" / "price_books").glob("*.yaml"))

BAD_BOOK = """\
price_book: bad book
version: 0
effective_from: 2026-11-01
currency: DOLLAR
cycle: {period: month, timezone: Europe/Berln}
late_policy: corect
meters:
  sms.outbound:
    unit: message
    price:
      model: graduated
      tiers:
        - {up_to: 1000, unit_price: "0.0079"}
        - {up_to: 1000, unit_price: "-0.0070",
           flat_fe: "1.00"}
        - {up_to: 2000, unit_price: "0.0055"}
  voice:
    session: {minimum: 0, increment: 60, idle_timeout: 4h}
    price: {model: per_unt, unit_price: "1"}
surge:
  - id: peak
    meters: [sms.outbund]
    dimension: region
    window: 60s
    lead: 60s
    levels: []
promotions:
  - {id: w, kind: free_units, meters: [voice], units: 0}
  - {id: w, kind: percent_off, percent: "101",
     meters: ["*"]}
version: 3
contracts:
  - customer_id: acme
    discount_percent: "-5"
"""


def tree(text: str) -> Node:
    node = read_yaml(textwrap.dedent(text))
    assert isinstance(node, Node), node
    return node


def errors_of(text: str) -> list[BookError]:
    found = read_yaml(text)
    assert isinstance(found, list)
    return found


def test_every_error_of_a_bad_book_is_listed_with_its_line() -> None:
    errors = parse_price_book(tree(BAD_BOOK))
    assert isinstance(errors, list)
    assert [(error.line, error.field) for error in errors] == [
        (1, "price_book"),
        (2, "version"),
        (3, "effective_from"),
        (4, "currency"),
        (5, "cycle.timezone"),
        (6, "late_policy"),
        (14, "meters[sms.outbound].price.tiers[1].unit_price"),
        (14, "meters[sms.outbound].price.tiers[1]"),
        (15, "meters[sms.outbound].price.tiers[1].flat_fe"),
        (16, "meters[sms.outbound].price.tiers[2]"),
        (17, "meters.voice"),
        (18, "meters.voice.session.minimum"),
        (19, "meters.voice.price.model"),
        (22, "surge[0].meters[0]"),
        (26, "surge[0].levels"),
        (28, "promotions[0].units"),
        (29, "promotions[1].percent"),
        (29, "promotions[1].id"),
        (31, ""),
        (34, "contracts[0].discount_percent"),
    ]
    assert all(error.message and error.remedy for error in errors)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.name)
def test_the_books_that_come_with_the_project_are_valid_and_survive_the_wire(path: Path) -> None:
    node = tree(path.read_text(encoding="utf-8"))
    book = parse_price_book(node)
    assert isinstance(book, PriceBook)
    assert from_message(to_message(node).SerializeToString()) == book


def test_the_standard_and_demo_books_are_there() -> None:
    assert [path.name for path in BOOKS if path.name in {"standard.yaml", "demo.yaml"}] == [
        "demo.yaml",
        "standard.yaml",
    ]


def test_no_scalar_is_converted_quoted_or_not() -> None:
    node = tree(
        """
        a: 0.0079
        b: "0.0070"
        c: 22:00
        d: 2026-11-01T00:00:00Z
        e: yes
        f: 010
        g: "null"
        """
    )
    assert plain_from_document(node) == {
        "a": "0.0079", "b": "0.0070", "c": "22:00", "d": "2026-11-01T00:00:00Z", "e": "yes", "f": "010", "g": "null",
    }  # fmt: skip


@pytest.mark.parametrize("empty", ["", "~", "null", '""'])
def test_an_empty_value_is_none(empty: str) -> None:
    assert tree(f"a: {empty}").value == {"a": Node(None, 1, "a")}


def test_a_node_knows_the_line_of_its_key_or_item() -> None:
    node = tree("a:\n  b:\n    - x\n    - c: y")
    a = node.value["a"] if isinstance(node.value, dict) else node
    b = a.value["b"] if isinstance(a.value, dict) else a
    assert (a.line, b.line) == (1, 2)
    assert isinstance(b.value, list)
    assert [(item.line, item.path) for item in b.value] == [(3, "a.b[0]"), (4, "a.b[1]")]


def test_an_anchor_may_be_used_again() -> None:
    node = tree('tiers: &t [{unit_price: "1"}]\nother: *t')
    assert plain_from_document(node) == {"tiers": [{"unit_price": "1"}], "other": [{"unit_price": "1"}]}


@pytest.mark.filterwarnings("error")
def test_an_anchor_may_be_given_anew_without_a_warning() -> None:
    assert plain_from_document(tree("a: &x 1\nb: &x 2\nc: *x")) == {"a": "1", "b": "2", "c": "2"}


def test_a_duplicate_key_is_kept_for_the_report_and_the_first_value_counts() -> None:
    node = tree("a: 1\nb: 2\na: 3")
    assert node.duplicates == (("a", 3),)
    assert plain_from_document(node) == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1, 2\n", 3),
        ("a: 1\n b: 2\n", 2),
        ("a: *nowhere", 1),
        ("a: 1\n---\nb: 2", 2),
        ("", 1),
        ("\x00", 1),
        ("&a [*a]", 1),
        ("[" * 5000, 1),
        ('a: 1\nb: "\\UFFFFFFFF"', 2),
        ('a: 1\nb: "\\U00110000"', 2),
        ("%YAML 1.3\n---\na: 1", 2),
        (f"%YAML 1.{'1' * 5000}\n---\na: 1", 1),
        ("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "\n".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]" for i in range(8)), 1),
    ],
    ids=["open", "indent", "alias", "two", "empty", "control", "circular", "deep",
         "escape", "character", "version", "digits", "bomb"],
)  # fmt: skip
def test_text_that_is_no_yaml_is_one_error_with_its_line(text: str, line: int) -> None:
    errors = errors_of(text)
    assert [error.line for error in errors] == [line]


def test_bytes_that_are_no_price_book_are_an_error() -> None:
    errors = from_message(b"\xff\xff")
    assert isinstance(errors, list)
    assert "no tollgate.v1.PriceBook" in errors[0].message


def test_a_message_with_wrong_fields_is_refused_like_the_yaml_without_lines() -> None:
    node = tree("price_book: b\nversion: 1\neffective_from: 2026-11-01\ncurrency: USD")
    errors = from_message(to_message(node).SerializeToString())
    assert isinstance(errors, list)
    assert [(error.line, error.field, error.message.split(":")[0]) for error in errors] == [
        (0, "effective_from", "'2026-11-01' is not an instant"),
        (0, "", "meters is missing"),
    ]


def test_a_contract_survives_the_wire() -> None:
    node = tree(
        """
        customer_id: acme
        effective_from: 2026-11-05T00:00:00Z
        price_book: standard
        discount_percent: 5
        spend_alerts: ["50.00", 90]
        prices: {mms.outbound: {model: per_unit, unit_price: 0.0200}}
        """
    )
    contract = parse_contract(node)
    assert isinstance(contract, Contract)
    assert from_contract_message(to_contract_message(node).SerializeToString()) == contract
