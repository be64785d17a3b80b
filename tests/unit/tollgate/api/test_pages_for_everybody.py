"""The pages in a real browser: on a phone, by keyboard, read aloud, with names of any length."""

from typing import Any

import pytest

from tests.unit.tollgate.api.visits import IN_A_BROWSER, Visit
from tests.unit.tollgate.api.world import CUSTOMERS, World
from tollgate.invoice_html import html_of
from wire.v1 import billing_pb2

pytestmark = IN_A_BROWSER


def test_findings_are_told_once_and_not_every_three_seconds(browser: Any, place: tuple[World, str]) -> None:
    """What is drawn anew in a live region is read out anew."""
    world, address = place
    visit = Visit(browser, address, "/operations").enter(world.keys["operations"])
    visit.text("findings")
    visit.page.evaluate("window.told = document.getElementById('findings').firstElementChild")
    with visit.page.expect_response("**/v1/surge"):
        pass
    visit.page.wait_for_timeout(500)
    assert visit.page.evaluate("window.told.isConnected")


def test_what_is_drawn_anew_stays_where_it_was_scrolled_to(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    key = f"tollgate:balance:{CUSTOMERS[0]}"
    before, long = world.hashes[key], "m" * 128
    world.hashes[key] = before | {f"quantity:{long}": "1", f"amount:{long}": "1"}
    visit = Visit(browser, address, viewport={"width": 360, "height": 740}).enter(world.keys["acme"])
    visit.text("spent")
    visit.page.evaluate("""() => {
        window.drawn = document.querySelector('#spent .scroll');
        window.drawn.focus();
        window.drawn.scrollLeft = 150;
    }""")
    visit.page.wait_for_timeout(4000)
    assert not visit.page.evaluate("window.drawn.isConnected")
    found = visit.page.evaluate(
        "[document.activeElement.className, document.querySelector('#spent .scroll').scrollLeft]"
    )
    world.hashes[key] = before
    assert found == ["scroll", 150]


@pytest.mark.parametrize("path", ["/", "/operations"])
def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, place: tuple[World, str], path: str) -> None:
    world, address = place
    size = {"width": 360, "height": 740}
    visit = Visit(browser, address, path, viewport=size).enter(world.keys["operations"])
    if path == "/":
        visit.page.get_by_label("Customer").fill(CUSTOMERS[0])
        visit.page.keyboard.press("Enter")
        visit.page.get_by_text("why", exact=True).first.wait_for()
    else:
        visit.text("hot")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_phone_breaks_long_names(browser: Any, place: tuple[World, str]) -> None:
    """Meters may have 128 characters, and none at which a line may end."""
    world, address = place
    long = "m" * 128
    days = [{"day": "2026-11-10", "meter": long, "amount": "5", "currency": "USD"}]
    tier = {"from": 1, "up_to": None, "unit_price": "1", "per": 1, "flat_fee": "", "current": True}
    prices = {
        "price_book": long, "version": 1, "currency": "USD",
        "cycle": {"name": "2026-11", "from_ms": 1_793_491_200_000, "to_ms": 1_796_083_200_000},
        "meters": [
            {"meter": long, "unit": long, "model": "per_unit", "paid_units": 1, "tiers": [tier], "discount_percent": ""}
        ],
        "promotions": [{"id": long, "meters": [long], "kind": "percent_off", "percent": "5", "status": "now"}],
        "contract": None,
    }  # fmt: skip
    visit = Visit(browser, address, viewport={"width": 360, "height": 740})
    visit.page.route("**/v1/spending?*", lambda route: route.fulfill(json={"currency": "USD", "days": days}))
    visit.page.route("**/v1/prices?*", lambda route: route.fulfill(json=prices))
    visit.enter(world.keys["acme"])
    visit.text("invoices")
    assert visit.wrong == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_invoice_breaks_long_names(browser: Any) -> None:
    long = "W" * 128
    line = billing_pb2.InvoiceLine(
        kind="USAGE", description=f"{long}: 9 units", amount="1", exact_amount="1", meter=long
    )
    invoice = billing_pb2.Invoice(
        customer_id=f"t/{long[:126]}",
        price_book=long,
        currency="USD",
        status="FINAL",
        number=1,
        total="1",
        lines=[line],
    )
    page = browser.new_page(viewport={"width": 800, "height": 740})
    page.set_content(html_of(invoice).decode())
    assert page.evaluate("document.documentElement.scrollWidth") <= 800


def test_a_keyboard_reaches_everything(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address).enter(world.keys["acme"])
    visit.page.get_by_text("why", exact=True).first.wait_for()
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("document.activeElement.matches('.line > summary')"):
            break
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("Source: usage.events").first.wait_for()


def test_why_can_be_asked_again_where_it_could_not_be_answered(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address)
    visit.refuse("**/explanation?*", "too many questions")
    visit.enter(world.keys["acme"])
    why = visit.page.get_by_text("why", exact=True).first
    why.click()
    visit.page.get_by_text("too many questions").wait_for()
    visit.page.unroute("**/explanation?*")
    why.click()
    why.click()
    visit.page.get_by_text("Source: usage.events, partition 0, offset").first.wait_for(timeout=5000)


def test_a_keyboard_goes_from_page_to_page_of_earlier_lines(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    key = f"tollgate:balance:{CUSTOMERS[1]}"
    before, world.hashes[key] = world.hashes[key], world.hashes[key] | {"settled_sequence": "40"}
    visit = Visit(browser, address).enter(world.keys["north"])
    visit.page.get_by_label("Customer").fill(CUSTOMERS[1])
    visit.page.keyboard.press("Enter")
    more = visit.page.get_by_role("button", name="Earlier lines")
    more.focus()
    with visit.page.expect_response("**/v1/records?*after=10&*"):
        visit.page.keyboard.press("Enter")
    with visit.page.expect_response("**/v1/records?*after=0&*", timeout=5000):
        visit.page.wait_for_timeout(300)
        visit.page.keyboard.press("Enter")
    world.hashes[key] = before
