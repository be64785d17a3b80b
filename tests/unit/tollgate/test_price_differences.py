"""What `prices diff` says."""

from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from billing.price_books.document import document_from_plain
from tests.unit.builders import free_units, per_unit, plain_book
from tollgate.commands.prices import _document
from tollgate.local.errors import StackError
from tollgate.price_differences import differences
from wire.price_books import to_message

FIRST, SECOND, THIRD = (free_units(name, 10) for name in ("first", "second", "third"))


def changes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    return differences(*(document_from_plain(plain_book(promotions=promotions)) for promotions in (old, new)))


def test_the_same_promotions_in_another_order_are_a_difference() -> None:
    order = "promotions: applied in the order second, first instead of first, second"
    assert changes([FIRST, SECOND], [SECOND, FIRST]) == [order]


def test_a_promotion_that_comes_or_goes_changes_no_order() -> None:
    (said,) = changes([FIRST, SECOND], [FIRST, THIRD, SECOND])
    assert said.startswith("promotion third: new")
    (said,) = changes([FIRST, THIRD, SECOND], [FIRST, SECOND])
    assert said.startswith("promotion third: removed")


def test_the_order_is_that_of_the_promotions_on_both_sides_after_what_else_changes() -> None:
    changed, removed, order = changes([FIRST, SECOND, THIRD], [SECOND, free_units("first", 20)])
    assert changed == "promotion first, units: 10 becomes 20"
    assert removed.startswith("promotion third: removed")
    assert order == "promotions: applied in the order second, first instead of first, second"


def test_a_file_with_empty_lists_says_the_same_as_what_was_published_from_it() -> None:
    agreed = [{"customer_id": "acme", "prices": {}, "spend_alerts": []}]
    file = document_from_plain(plain_book(cycle={}, surge=[], promotions=[], plans={}, contracts=agreed))
    published = document_from_plain(MessageToDict(to_message(file), preserving_proto_field_name=True))
    assert differences(file, published) == differences(published, file) == []


def test_an_empty_list_that_is_filled_is_new_and_nothing_is_removed() -> None:
    (said,) = changes([], [FIRST])
    assert said.startswith("promotion: new (first")


def test_meters_may_have_the_names_of_fields() -> None:
    old = {"plans": per_unit("1"), "plan": per_unit("5"), "meters": per_unit("7")}
    new = old | {"plans": per_unit("2"), "meters": per_unit("8")}
    said = differences(*(document_from_plain(plain_book(meters=meters)) for meters in (old, new)))
    assert said == ["meter plans, price, unit_price: 1 becomes 2", "meter meters, price, unit_price: 7 becomes 8"]


def test_a_name_that_no_file_can_have_is_looked_for_among_the_published() -> None:
    """A book's id and the number of its version together may be longer than a file's name."""
    context: Any = SimpleNamespace(log=SimpleNamespace(read=lambda _: []))
    with pytest.raises(StackError, match="is no file and no published price book"):
        _document(context, f"{'b' * 300}@1")
