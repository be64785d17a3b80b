"""What a price book must be to be published, beyond what jobs read of those that were."""

from typing import Any

import pytest

from billing import calendar
from billing.calendar import load_zone
from billing.price_books import parse
from billing.price_books.document import BookError, Node, document_from_plain
from billing.price_books.model import PriceBook
from billing.price_books.parse import parse_price_book
from billing.price_books.parse_draft import parse_draft
from tests.unit.builders import per_unit, plain_book
from tests.unit.sessions import voice


def document(idle_timeout: str, **changes: Any) -> Node:
    meters = {"calls": per_unit(), "voice": voice(idle_timeout=idle_timeout)}
    return document_from_plain(plain_book(meters=meters) | changes)


def errors(node: Node) -> list[BookError]:
    found = parse_draft(node)
    assert isinstance(found, list)
    return found


def test_a_session_that_could_outlast_its_cycles_counters_is_refused() -> None:
    (error,) = errors(document("40d", dedup_horizon="5d"))
    assert error.field == "meters.voice.session.idle_timeout"
    assert "idle_timeout 40d is not shorter than dedup_horizon 5d" in error.message
    assert error.remedy == "set idle_timeout to less than 5d"


@pytest.mark.parametrize(("idle_timeout", "refused"), [("35d", True), ("839h", False), ("4h", False)])
def test_an_idle_timeout_is_shorter_than_the_default_horizon(idle_timeout: str, *, refused: bool) -> None:
    assert isinstance(parse_draft(document(idle_timeout)), list) is refused


@pytest.mark.parametrize("written", ["right/Europe/Berlin", "posix/Europe/Berlin"])
def test_a_timezone_that_not_every_machine_has_is_refused(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = load_zone("Europe/Berlin")
    monkeypatch.setattr(parse, "load_zone", lambda _: zone)  # this machine may have none such
    monkeypatch.setattr(calendar, "load_zone", lambda _: zone)
    (error,) = errors(document("4h", cycle={"timezone": written}))
    assert (error.field, error.remedy) == ("cycle.timezone", "use Europe/Berlin")


def test_what_was_published_before_that_was_asked_is_still_read() -> None:
    assert isinstance(parse_price_book(document("40d", dedup_horizon="5d")), PriceBook)


def test_errors_of_the_book_itself_are_said_first_and_alone() -> None:
    assert [one.field for one in errors(document("40d", dedup_horizon="5d", currency="dollars"))] == ["currency"]
