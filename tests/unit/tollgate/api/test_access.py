"""Who may read what: every key, every customer, every route."""

import json
import stat
from typing import Any

import pytest

from tests.unit.tollgate.api.world import CUSTOMERS, World
from tollgate.api.keys import KeyFile
from tollgate.api.scopes import Scope, scope_of_customer
from tollgate.local.errors import StackError

ROUTES = {
    "/v1/balance": {},
    "/v1/records": {},
    "/v1/records/1/explanation": {},
    "/v1/spending": {},
    "/v1/prices": {},
    "/v1/bill": {},
    "/v1/quote": {"meter": "mms.outbound", "quantity": 1},
    "/v1/invoices": {},
    "/v1/invoices/1": {},
    "/v1/invoices/1/html": {},
    "/v1/invoices/1/pdf": {},
}
REACHES = {
    "acme": {"north/acme"},
    "north": {"north/acme", "north/eve"},
    "south": {"south/zoe"},
    "operations": set(CUSTOMERS),
}
ASKED = (*CUSTOMERS, "north/nobody", "south/nobody", "north", "nobody", "north/acme2")


def expected(key: str, customer: str, route: str) -> int:
    """Only acme has an invoice; whoever has nothing there is as one who does not exist."""
    if (
        customer not in REACHES[key]
        or customer not in CUSTOMERS
        or (route.startswith("/v1/invoices/") and customer != CUSTOMERS[0])
    ):
        return 404
    return 200


@pytest.mark.parametrize("key", REACHES)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.row(19)
def test_each_key_reaches_its_customers_and_no_others(world: World, key: str, route: str) -> None:
    found = {customer: world.get(route, key, customer=customer, **ROUTES[route]).status_code for customer in ASKED}
    assert found == {customer: expected(key, customer, route) for customer in ASKED}


@pytest.mark.parametrize("route", ROUTES)
def test_anothers_customer_is_answered_word_for_word_as_one_who_does_not_exist(world: World, route: str) -> None:
    asked = ["south/zoe", "north/nope"]
    answers = [world.get(route, "north", customer=one, **ROUTES[route]) for one in asked]
    there, not_there = (one.text.replace(name, "X") for one, name in zip(answers, asked, strict=True))
    assert there == not_there
    assert answers[0].status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer tg_wrong", "Basic YTpi", "bearer\u00a0x".encode("latin-1")])
@pytest.mark.parametrize("route", [*ROUTES, "/v1/me", "/v1/alerts", "/v1/surge", "/v1/operations"])
def test_without_a_valid_key_nothing_is_told(world: World, route: str, header: Any) -> None:
    answer = world.client.get(route, params={"customer": CUSTOMERS[0]}, headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "tollgate api keys add" in answer.json()["remedy"]


@pytest.mark.parametrize("key", ["acme", "north", "south"])
def test_only_keys_of_operations_see_the_installation(world: World, key: str) -> None:
    assert world.get("/v1/operations", key).status_code == 403
    assert world.get("/v1/operations").status_code == 200


def test_a_key_in_the_url_opens_nothing(world: World) -> None:
    query = {"customer": CUSTOMERS[0], "key": world.keys["acme"], "authorization": world.keys["acme"]}
    assert world.client.get("/v1/balance", params=query).status_code == 401


def test_a_removed_key_is_refused_within_a_second(world: World) -> None:
    assert world.get("/v1/me", "acme").status_code == 200
    world.file.remove("acme")
    world.clock_seconds += 1.0
    assert world.get("/v1/me", "acme").status_code == 401
    assert world.get("/v1/me", "north").status_code == 200


def test_the_file_holds_no_key_and_is_its_owners_alone(world: World) -> None:
    text = world.file.path.read_text()
    assert not any(key in text or key.removeprefix("tg_") in text for key in world.keys.values())
    assert stat.S_IMODE(world.file.path.stat().st_mode) == 0o600
    assert {one["name"] for one in json.loads(text)} == set(world.keys)


def test_a_name_is_taken_once_and_an_unknown_one_cannot_be_removed(world: World) -> None:
    with pytest.raises(StackError, match="there is a key named"):
        world.file.add("acme", Scope("north/acme"))
    with pytest.raises(StackError, match="there is no key named"):
        world.file.remove("nobody")


@pytest.mark.parametrize("text", ["{", "[{}]", '[{"name": 1}]', "null"])
def test_a_damaged_file_opens_nothing_and_says_so(world: World, text: str) -> None:
    world.file.path.write_text(text)
    with pytest.raises(StackError, match="cannot be read"):
        KeyFile(world.file.path).load()
    world.clock_seconds += 1.0
    assert world.get("/v1/me", "acme").status_code == 503


def test_a_key_makes_as_many_requests_as_it_may_and_is_told_when_to_come_back(world: World) -> None:
    world.keys["slow"] = world.file.add("slow", Scope("north/acme"), rate=0.5)
    world.clock_seconds += 1.0
    first = world.get("/v1/balance", "slow", customer=CUSTOMERS[0])
    second = world.get("/v1/balance", "slow", customer=CUSTOMERS[0])
    others = [world.get(route, "slow", customer=CUSTOMERS[0]).status_code for route in ("/v1/me", "/v1/records")]
    assert (first.status_code, second.status_code, others) == (200, 429, [429, 429])
    assert second.headers["retry-after"] == "2"
    assert "0.5 requests a second" in second.json()["cause"]
    assert world.get("/v1/balance", "north", customer=CUSTOMERS[0]).status_code == 200  # each key by itself
    world.clock_seconds += 2.0
    assert world.get("/v1/balance", "slow", customer=CUSTOMERS[0]).status_code == 200


@pytest.mark.parametrize(
    ("scope", "customer", "reaches"),
    [
        (Scope("operations"), "anybody", True),
        (scope_of_customer("operations"), "operations", True),
        (scope_of_customer("operations"), "anybody", False),
        (scope_of_customer("customer:x"), "customer:x", True),
        (scope_of_customer("customer:x"), "x", False),
        (Scope("north/"), "north/x", True),
        (Scope("north/"), "northern/x", False),
        (Scope("north/"), "north", False),
        (Scope("acme"), "acme/x", False),
    ],
)
def test_a_scope_reaches_what_it_says(scope: Scope, customer: str, reaches: bool) -> None:
    assert scope.reaches(customer) is reaches
