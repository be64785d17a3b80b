"""The pages in a real browser: logging in, what is shown, no script from data."""

import re
from typing import Any

from flink_jobs.topics import USAGE_EVENTS
from tests.unit.tollgate.api.visits import IN_A_BROWSER, Visit
from tests.unit.tollgate.api.world import CUSTOMERS, World

pytestmark = IN_A_BROWSER


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
    visit = Visit(browser, address)
    visit.refuse("**/v1/prices?*", "a service that the answer comes from does not answer")
    visit.enter(world.keys["acme"])
    visit.text("spent")
    visit.page.get_by_text("does not answer").wait_for()
    visit.page.wait_for_timeout(4000)
    assert visit.page.get_by_text("does not answer").is_visible()
    visit.refuse("**/v1/balance?*", "no balance")
    visit.page.get_by_text("no balance").wait_for()
    visit.page.unroute("**/v1/balance?*")
    visit.page.get_by_text("no balance").wait_for(state="hidden")


def test_surge_that_begins_while_the_page_is_open_is_seen(browser: Any, place: tuple[World, str]) -> None:
    world, address = place
    visit = Visit(browser, address).enter(world.keys["acme"])
    visit.text("now")
    now_ms = int(visit.page.evaluate("Date.now()"))
    span = {"from_ms": str(now_ms - 60_000), "to_ms": str(now_ms + 60_000), "next_factor": "1"}
    rate = {"book": "standard", "meter": "mms.outbound", "value": "eu", "factor": "1.25"} | span
    visit.page.route("**/v1/surge", lambda route: route.fulfill(json=[rate]))
    visit.page.get_by_text("times 1.25").wait_for(timeout=15_000)


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
    assert "The highest day: 1,500 JPY" in spending
    assert "The highest day: 10.00 USD" in spending
    forecast = visit.text("forecast")
    assert "Price book tokyo" in forecast
    assert "about 1,700 JPY" in forecast
    assert "about 12.00 USD" in forecast
    labels = visit.page.locator('[data-part="forecast"] svg').evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    assert labels == ["Spent 1,700 JPY, forecast 1,700 JPY", "Spent 12.00 USD, forecast 12.00 USD"]
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
