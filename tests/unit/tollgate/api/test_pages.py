"""The pages in a real browser: logging in, what is shown, no script from data, keyboard, phone."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from flink_jobs.topics import USAGE_EVENTS
from tests.unit.tollgate.api.served import served
from tests.unit.tollgate.api.world import CUSTOMERS, World
from tollgate.invoice_html import html_of
from wire.v1 import billing_pb2

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian: apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    world = World(tmp_path_factory.mktemp("pages"))
    with served(world) as address:
        yield world, address


class Visit:
    """A page that is open, and what went wrong on it."""

    def __init__(self, browser: Any, address: str, path: str = "/", **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address + path)

    def enter(self, key: str) -> "Visit":
        self.page.get_by_label("Key", exact=True).fill(key)
        self.page.keyboard.press("Enter")
        return self

    def text(self, part: str) -> str:
        self.page.wait_for_selector(f'[data-part="{part}"]:not([hidden])')
        return str(self.page.inner_text(f'[data-part="{part}"]'))


def test_a_customer_sees_what_is_spent_and_why(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address).enter(world.keys["acme"])
    assert "8.78 USD" in visit.text("spent")
    assert "settled 1.00 USD" in visit.text("spent")
    assert "After 98,990 more messages: 0.0055 USD per message" in visit.text("tiers")
    assert "welcome 100 units free" in visit.text("now")
    assert "about" in visit.text("forecast")
    visit.page.get_by_text("why", exact=True).first.click()
    visit.page.get_by_text("Source: usage.events, partition 0, offset").first.wait_for()
    assert visit.wrong == []


def test_the_key_is_in_no_address_and_nothing_comes_from_elsewhere(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address).enter(world.keys["acme"])
    visit.text("lines")
    assert all(url.startswith(address) for url in visit.asked)
    assert not any(world.keys["acme"] in url for url in visit.asked)
    assert visit.page.evaluate("localStorage.length") == 0
    visit.page.get_by_text("Forget the key").click()
    visit.page.get_by_label("Key", exact=True).wait_for()
    assert visit.page.evaluate("sessionStorage.length") == 0


def test_a_wrong_key_is_told_what_to_do(browser: Any, place: tuple[World, str]) -> None:
    _, address = place
    visit = Visit(browser, address).enter("tg_wrong")
    visit.page.get_by_text("the request has no valid key").wait_for()


def test_a_key_is_kept_while_the_server_is_away(browser: Any, place: tuple[World, str]) -> None:
    """It was shown once, and is not told again."""
    world, address = place
    visit = Visit(browser, address).enter(world.keys["acme"])
    visit.text("spent")
    visit.page.route("**/v1/me", lambda route: route.abort())
    visit.page.reload()
    visit.page.get_by_label("Key", exact=True).wait_for()
    visit.page.wait_for_timeout(300)
    visit.page.unroute("**/v1/me")
    visit.page.reload()
    assert "8.78 USD" in visit.text("spent")


def test_a_key_of_one_tenant_is_told_nothing_of_another(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address).enter(world.keys["north"])
    visit.page.get_by_label("Customer").fill("south/zoe")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("Nothing is known of south/zoe").wait_for()
    visit.page.get_by_label("Customer").fill("north/eve")
    visit.page.keyboard.press("Enter")
    assert "8.78 USD" in visit.text("spent")


def test_what_was_wrong_stays_on_the_page(browser: Any, place: tuple[World, str]) -> None:
    """The balance that is asked for every 3 s takes back what it has said itself, and nothing else."""
    world, address = place
    away = {"status": 503, "cause": "a service that the answer comes from does not answer", "remedy": "try again later"}
    visit = Visit(browser, address)
    visit.page.route("**/v1/prices?*", lambda route: route.fulfill(status=503, json=away))
    visit.enter(world.keys["acme"])
    visit.text("spent")
    visit.page.get_by_text("does not answer").wait_for()
    visit.page.wait_for_timeout(4000)
    assert visit.page.get_by_text("does not answer").is_visible()
    visit.page.route("**/v1/balance?*", lambda route: route.fulfill(status=503, json=away | {"cause": "no balance"}))
    visit.page.get_by_text("no balance").wait_for()
    visit.page.unroute("**/v1/balance?*")
    visit.page.get_by_text("no balance").wait_for(state="hidden")


def test_a_customer_of_subscriptions_alone_sees_what_is_known(browser: Any, place: tuple[World, str]) -> None:
    """There is no balance before the first use."""
    world, address = place
    world.log.add_invoice("north/plan", "12.50")
    visit = Visit(browser, address).enter(world.keys["north"])
    visit.page.get_by_label("Customer").fill("north/plan")
    visit.page.keyboard.press("Enter")
    assert "12.50 USD" in visit.text("invoices")
    visit.page.get_by_text("No line is settled yet").wait_for()
    assert "Nothing so far" in visit.text("alerts")
    assert visit.page.get_by_text("Nothing is known").count() == 0
    assert visit.page.locator('[data-part="spent"]').is_hidden()


def test_a_page_without_a_balance_is_left_too_when_its_key_is_gone(browser: Any, place: tuple[World, str]) -> None:
    """Nothing but alerts is asked for there."""
    world, address = place
    world.log.add_invoice("north/plan", "12.50")
    gone = {"status": 401, "cause": "the request has no valid key", "remedy": "none"}
    visit = Visit(browser, address)
    visit.page.route("**/v1/alerts?*", lambda route: route.fulfill(status=401, json=gone))
    visit.enter(world.keys["north"])
    visit.page.get_by_label("Customer").fill("north/plan")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_label("Key", exact=True).wait_for(timeout=10_000)
    assert visit.page.evaluate("sessionStorage.length") == 0


def test_each_currency_and_each_price_book_is_shown_by_itself(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    days = [
        {"day": "2026-11-10", "meter": "sms", "amount": amount, "currency": currency}
        for amount, currency in (("1500", "JPY"), ("10", "USD"))
    ]
    bills = [
        {"price_book": book, "currency": currency, "total": total, "cycle": "2026-11", "lines": []}
        for book, currency, total in (("tokyo", "JPY", "1700"), ("standard", "USD", "12"))
    ]
    visit = Visit(browser, address)
    visit.page.route("**/v1/spending?*", lambda route: route.fulfill(json={"currency": "USD", "days": days}))
    visit.page.route("**/v1/bill?*", lambda route: route.fulfill(json=bills))
    visit.enter(world.keys["acme"])
    spending = visit.text("days")
    assert "The highest day: 1,500.00 JPY" in spending
    assert "The highest day: 10.00 USD" in spending
    forecast = visit.text("forecast")
    assert "Price book tokyo" in forecast
    assert "about 1,700.00 JPY" in forecast
    assert "about 12.00 USD" in forecast
    labels = visit.page.locator('[data-part="forecast"] svg').evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    assert labels == ["Spent 1,700.00 JPY, forecast 1,700.00 JPY", "Spent 12.00 USD, forecast 12.00 USD"]
    assert visit.wrong == []


def test_late_lines_of_long_ago_push_no_day_of_now_off_the_picture(browser: Any, place: tuple[World, str]) -> None:
    """A dedup horizon of 35 days and a month are 66 days, and 62 are drawn."""
    world, address = place
    days = [
        {"day": day, "meter": "sms", "amount": "5", "currency": "USD"}
        for day in ("2026-09-26", "2026-11-01", "2026-11-30")
    ]
    visit = Visit(browser, address)
    visit.page.route("**/v1/spending?*", lambda route: route.fulfill(json={"currency": "USD", "days": days}))
    visit.enter(world.keys["acme"])
    visit.text("days")
    titles = visit.page.locator('[data-part="days"] title').evaluate_all("all => all.map(one => one.textContent)")
    assert titles[-1] == "2026-11-30, sms: 5.00 USD"


def test_a_cycle_that_has_begun_without_use_has_spent_nothing_of_its_forecast(
    browser: Any, place: tuple[World, str]
) -> None:
    """Redis holds the balance of the cycle before until the first use of the new one."""
    world, address = place
    bills = [{"price_book": "standard", "currency": "USD", "total": "20", "cycle": "2099-12", "lines": []}]
    visit = Visit(browser, address)
    visit.page.route("**/v1/bill?*as_of=*", lambda route: route.fulfill(json=bills))
    visit.enter(world.keys["acme"])
    assert "about 20.00 USD" in visit.text("forecast")
    label = visit.page.locator('[data-part="forecast"] svg').get_attribute("aria-label")
    assert label == "Spent 0.00 USD, forecast 20.00 USD"


def test_a_customer_without_prices_is_shown_a_forecast_and_not_the_bill_so_far(
    browser: Any, place: tuple[World, str]
) -> None:
    """As one of subscriptions alone: which cycle it is, the bill says as well."""
    world, address = place
    bill = {"price_book": "standard", "currency": "USD", "cycle": "2026-11", "lines": []}

    def answer(route: Any) -> None:
        ahead = "as_of=2026-11" in route.request.url
        route.fulfill(json=[bill | {"total": "25" if ahead else "4"}])

    visit = Visit(browser, address)
    visit.page.route("**/v1/bill?*", answer)
    visit.page.route(
        "**/v1/prices?*", lambda route: route.fulfill(status=404, json={"cause": "none", "remedy": "none"})
    )
    visit.enter(world.keys["acme"])
    assert "about 25.00 USD" in visit.text("forecast")


def test_a_currency_of_three_decimals_is_shown_with_all_of_them(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    bills = [{"price_book": "kuwait", "currency": "KWD", "total": "12.345", "cycle": "2026-11", "lines": []}]
    key = f"tollgate:balance:{CUSTOMERS[0]}"
    before, world.hashes[key] = world.hashes[key], world.hashes[key] | {"currency": "KWD", "live_total": "1.0789"}
    visit = Visit(browser, address)
    visit.page.route("**/v1/bill?*", lambda route: route.fulfill(json=bills))
    visit.enter(world.keys["acme"])
    spent, forecast = visit.text("spent"), visit.text("forecast")
    world.hashes[key] = before
    assert "1.078 KWD" in spent
    assert "about 12.345 KWD" in forecast


def test_what_data_say_is_text_and_runs_nothing(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    evil = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
    key = f"tollgate:balance:{CUSTOMERS[2]}"
    world.hashes[key] = world.hashes[key] | {"currency": evil, f"quantity:{evil}": "1", f"amount:{evil}": evil}
    world.log.add_alert(CUSTOMERS[2], evil)
    visit = Visit(browser, address).enter(world.keys["south"])
    visit.page.get_by_label("Customer").fill(CUSTOMERS[2])
    visit.page.keyboard.press("Enter")
    assert evil in visit.text("spent")
    visit.page.get_by_text("tier reached").first.wait_for()
    assert evil in visit.text("alerts")
    assert visit.page.title() == f"{CUSTOMERS[2]} - Tollgate"
    assert visit.page.locator("main img, main script").count() == 0


def test_an_alert_appears_by_itself(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address).enter(world.keys["acme"])
    assert "Nothing so far" in visit.text("alerts")
    visit.page.wait_for_timeout(300)
    world.log.add_alert(CUSTOMERS[0], "sms.outbound")
    world.log.add_alert(CUSTOMERS[1], "not for acme")
    visit.page.get_by_text("tier reached").wait_for()
    assert "not for acme" not in visit.text("alerts")


def test_operations_says_what_is_known(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address, "/operations").enter(world.keys["operations"])
    assert "Not asked yet" in visit.text("books")
    assert "north/acme" in visit.text("hot")
    refused = Visit(browser, address, "/operations").enter(world.keys["north"])
    refused.page.get_by_text("This key is not for operations").wait_for()


def test_dead_letters_are_sent_again_after_a_second_press(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    world.log.add_letter("NO_PRICE")
    events = len(world.log.topics[USAGE_EVENTS])
    visit = Visit(browser, address, "/operations").enter(world.keys["operations"])
    button = visit.page.get_by_role("button", name=re.compile("dead letters of NO_PRICE"))
    button.dblclick()
    assert button.inner_text() == "Really?", "a double click is one press"
    assert "Press again" in visit.text("letters")
    visit.page.wait_for_timeout(700)
    assert len(world.log.topics[USAGE_EVENTS]) == events
    button.click()
    visit.page.get_by_text("NO_PRICE: 1 sent again").wait_for()
    assert len(world.log.topics[USAGE_EVENTS]) == events + 1
    assert visit.wrong == []


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
    away = {"status": 503, "cause": "too many questions", "remedy": "ask again"}
    visit = Visit(browser, address)
    visit.page.route("**/explanation?*", lambda route: route.fulfill(status=503, json=away))
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


def test_files_of_the_pages_are_small_and_have_no_foreign_address() -> None:
    from tollgate.api import pages

    for file in pages.FOLDER.iterdir():
        text = file.read_text()
        assert len(text) < 20_000, file
        assert "http://" not in text.replace("http://www.w3.org/", ""), file
        assert "https://" not in text, file
        assert "innerHTML" not in text, file
