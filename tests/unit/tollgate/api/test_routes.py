"""What each route answers."""

from typing import Any

import pytest

from tests.unit.tollgate.api.world import CUSTOMERS, NOW_MS, World
from tollgate.api.app import framework
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.v1 import billing_pb2

ACME = CUSTOMERS[0]


def test_a_balance_is_live_and_settled_with_their_ages(world: World) -> None:
    found = world.get("/v1/balance", "acme", customer=ACME).json()
    assert found["live"] | {"age_ms": 0} == {
        "cycle": "2026-11",
        "total": "8.78",
        "sequence": 2,
        "as_of_ms": NOW_MS - 1000,
        "age_ms": 0,
    }
    assert found["settled"]["total"] == "1"
    assert found["settled"]["age_ms"] - found["live"]["age_ms"] == 4000
    assert found["meters"] == [{"meter": "sms.outbound", "quantity": 1110, "amount": "8.78"}]
    assert (found["customer_id"], found["currency"], found["credit"], found["open"]) == (ACME, "USD", None, None)


def test_credit_and_calls_that_run_are_in_the_balance(world: World) -> None:
    running = {"open_sessions": "2", "open_total": "0.5", "open_currency": "USD", "open_as_of_ms": str(NOW_MS)}
    world.hashes[f"tollgate:balance:{ACME}"] |= {"credit": "41.5"} | running
    found = world.get("/v1/balance", customer=ACME).json()
    assert found["credit"] == "41.5"
    assert found["open"] | {"age_ms": 0} == {"sessions": 2, "total": "0.5", "currency": "USD", "age_ms": 0}


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"customer": ACME}, "acme"),
        ({"customer": "south/zoe"}, "acme"),
        ({"customer": "not an id"}, "acme"),
        ({"customer": "north/nobody"}, "north"),
        ({"customer": "../../etc"}, "operations"),
        ({"customer": ""}, "operations"),
    ],
)
def test_the_fast_way_answers_as_the_framework_does(world: World, query: dict[str, str], key: str) -> None:
    from starlette.testclient import TestClient

    fast = world.get("/v1/balance", key, **query)
    with TestClient(framework(world.parts())) as client:
        slow = client.get("/v1/balance", params=query, headers={"authorization": f"Bearer {world.keys[key]}"})
    assert (fast.status_code, without_ages(fast.json())) == (slow.status_code, without_ages(slow.json()))


def without_ages(body: dict[str, Any]) -> dict[str, Any]:
    for side in ("live", "settled"):
        body.get(side, {}).pop("age_ms", None)
    return body


@pytest.mark.parametrize("query", ["", "?customer=a&customer=b", "?other=1"])
def test_a_balance_of_nobody_or_of_two_is_refused(world: World, query: str) -> None:
    answer = world.client.get(f"/v1/balance{query}", headers={"authorization": f"Bearer {world.keys['operations']}"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"status", "cause", "remedy"}


def test_records_come_in_pages(world: World) -> None:
    first = world.get("/v1/records", "acme", customer=ACME, limit=1).json()
    second = world.get("/v1/records", "acme", customer=ACME, limit=1, after=first["next_after"]).json()
    assert [one["sequence"] for one in first["records"] + second["records"]] == ["1", "2"]
    assert (first["next_after"], second["next_after"]) == (1, None)
    assert world.get("/v1/records", "acme", customer=ACME, cycle="2020-01").json() == {
        "records": [],
        "next_after": None,
    }


def test_a_record_is_explained_to_its_source(world: World) -> None:
    steps = world.get("/v1/records/1/explanation", "acme", customer=ACME).json()["steps"]
    assert any("100 units were free" in one for one in steps)
    assert any("Source: usage.events, partition 0, offset 0" in one for one in steps)
    assert world.get("/v1/records/99/explanation", "acme", customer=ACME).status_code == 404


def test_spending_adds_up_by_day_and_meter(world: World) -> None:
    found = world.get("/v1/spending", "acme", customer=ACME).json()
    records = world.get("/v1/records", "acme", customer=ACME).json()["records"]
    assert [one["meter"] for one in found["days"]] == ["sms.outbound"]
    assert found["days"][0]["amount"] == records[-1]["cycle_total"]


def test_spending_adds_up_no_two_currencies(world: World) -> None:
    """A customer's records are in two where its contract has sent it from one price book to another."""
    records = world.log.topics["billing.records"]
    first, second = (at for at, one in enumerate(records) if one.key == ACME.encode())
    dollars = billing_pb2.BillingRecord.FromString(records[first].value).amount  # less at night, by a promotion
    yen = billing_pb2.BillingRecord.FromString(records[second].value)
    yen.currency, yen.amount = "JPY", "1500"
    records[second] = records[second]._replace(value=yen.SerializeToString())
    found = world.get("/v1/spending", "acme", customer=ACME).json()
    assert found["currency"] == "JPY", "that of the newest record"
    assert [(one["amount"], one["currency"]) for one in found["days"]] == [("1500", "JPY"), (dollars, "USD")]


def test_prices_say_which_tier_comes_next(world: World) -> None:
    found = world.get("/v1/prices", "acme", customer=ACME).json()
    (sms,) = (one for one in found["meters"] if one["meter"] == "sms.outbound")
    assert sms["paid_units"] == 1010  # 1110 less 100 that were free
    assert [
        (one["from"], one["up_to"], one["unit_price"], one["flat_fee"], one["current"]) for one in sms["tiers"]
    ] == [
        (1, 1000, "0.0079", "", False),
        (1001, 100000, "0.007", "1", True),
        (100001, None, "0.0055", "", False),
    ]
    kinds = {one["id"]: one["status"] for one in found["promotions"]}
    assert (kinds["welcome"], kinds["burst"]) == ("each_cycle", "to_win")
    assert "codes" not in str(found["promotions"])


def test_a_bill_and_a_forecast(world: World) -> None:
    (bill,) = world.get("/v1/bill", "acme", customer=ACME).json()
    assert bill["status"] == "DRAFT"
    assert world.get("/v1/bill", "acme", customer=ACME, as_of="2019-01").status_code == 404
    far = world.get("/v1/bill", "acme", customer=ACME, as_of="8999-12")
    assert (far.status_code, "400 days" in far.json()["cause"]) == (422, True)
    wrong = world.get("/v1/bill", "acme", customer=ACME, as_of="soon")
    assert (wrong.status_code, "as_of: 'soon' is no time" in wrong.json()["cause"]) == (422, True)


def test_a_quote_charges_nothing_and_says_why(world: World) -> None:
    found = world.get("/v1/quote", "acme", customer=ACME, meter="sms.outbound", quantity=10).json()
    assert any("would pay" in one and "Asking charges nothing" in one for one in found["steps"])
    refused = world.get("/v1/quote", "acme", customer=ACME, meter="nope", quantity=10)
    assert (refused.status_code, "UNKNOWN_METER" in refused.json()["cause"]) == (422, True)
    wrong = world.get("/v1/quote", "acme", customer=ACME, meter="sms.outbound", quantity=10, dimension="region")
    assert (wrong.status_code, "NAME=VALUE" in wrong.json()["cause"]) == (422, True)


def test_an_invoice_as_json_page_and_pdf(world: World) -> None:
    (listed,) = world.get("/v1/invoices", "acme", customer=ACME).json()
    assert (listed["number"], "lines" in listed) == ("1", False)
    assert world.get("/v1/invoices/1", "acme", customer=ACME).json()["lines"][0]["amount"] == "3"
    page = world.get("/v1/invoices/1/html", "acme", customer=ACME)
    assert "&lt;b&gt;sms&lt;/b&gt;" in page.text
    assert "<b>sms" not in page.text
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    pdf = world.get("/v1/invoices/1/pdf", "acme", customer=ACME)
    assert (pdf.content[:5], pdf.headers["content-type"]) == (b"%PDF-", "application/pdf")
    assert world.get("/v1/invoices/1", "acme", customer=ACME, note=True).status_code == 404


def test_operations_says_what_is_away_instead_of_failing(world: World) -> None:
    found = world.get("/v1/operations").json()
    assert found["recorded"] == len(world.log.topics["billing.records"])
    assert found["hottest"]["customers"][0]["customer_id"] in CUSTOMERS
    assert found["verified"] is None
    world.log.away = True
    world.client.app._behind.state.operations_seen = (float("-inf"), {})
    assert "hottest" in world.get("/v1/operations").json()["away"]


@pytest.mark.parametrize("path", ["/v1/records", "/v1/bill", "/v1/prices", "/v1/invoices"])
def test_a_log_that_is_away_is_503_without_its_address(world: World, path: str) -> None:
    world.log.away = True
    answer = world.get(path, "acme", customer=ACME)
    assert answer.status_code == 503
    assert "10.0.0.7" not in answer.text
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    "cause",
    [
        "TOLLGATE_REDIS_PASSWORD_FILE: /etc/secret is no text file that can be read",
        "the package typst is not installed",
    ],
)
def test_what_the_server_lacks_is_no_fault_of_the_request(world: World, cause: str) -> None:
    """A password file is read with each question, and may be away for a moment when it is changed."""

    def fail(*_: Any, **__: Any) -> Any:
        raise StackError(cause, "name a file that holds the password", EXIT_UNUSABLE)

    world.log.read = fail  # type: ignore[method-assign]
    answer = world.get("/v1/records", "acme", customer=ACME)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert cause not in answer.text


def test_a_redis_that_is_away_is_503_and_health_says_so(world: World) -> None:
    assert world.client.get("/v1/health").json() == {"status": "ok", "redis": True}
    world.redis_away = True
    answer = world.get("/v1/balance", "acme", customer=ACME)
    assert (answer.status_code, "10.0.0.8" in answer.text) == (503, False)
    assert world.client.get("/v1/health").json() == {"status": "degraded", "redis": False}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nope", 404),
        ("POST", "/v1/records", 405),
        ("POST", "/v1/balance", 405),
        ("GET", "/site/../app.py", 404),
    ],
)
def test_what_is_not_there_is_the_same_shape(world: World, method: str, path: str, status: int) -> None:
    answer = world.client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"status", "cause", "remedy"}


def test_a_fault_of_ours_is_said_without_its_trace(world: World) -> None:
    world.log.topics["billing.records"][0] = world.log.topics["billing.records"][0]._replace(value=b"\xff\xff")
    answer = world.get("/v1/records", "acme", customer=ACME)
    assert (answer.status_code, answer.json()["cause"]) == (500, "this is a fault of the service")
    assert "Traceback" not in answer.text


def test_no_other_site_may_read_answers(world: World) -> None:
    headers = {"authorization": f"Bearer {world.keys['acme']}", "origin": "https://elsewhere.example"}
    for path in ("/v1/balance", "/v1/records"):
        answer = world.client.get(path, params={"customer": ACME}, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_may_do_nothing_but_ask_this_server(world: World) -> None:
    for path in ("/", "/operations"):
        page = world.client.get(path)
        policy = page.headers["content-security-policy"]
        assert page.status_code == 200
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in page.text
        assert "style=" not in page.text


def test_files_of_the_pages_are_small_and_have_no_foreign_address() -> None:
    from tollgate.api import pages

    for file in pages.FOLDER.iterdir():
        text = file.read_text()
        assert len(text) < 20_000, file
        assert "http://" not in text.replace("http://www.w3.org/", ""), file
        assert "https://" not in text, file
        assert "innerHTML" not in text, file
