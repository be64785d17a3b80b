"""Schemathesis reads the OpenAPI document and asks what nobody would: answers keep to the document, none is a 500."""

from typing import Any, NamedTuple

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.unit.tollgate.api.world import CUSTOMERS, World
from tollgate.api.app import application

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
PATHS = [
    "/v1/health", "/v1/me", "/v1/balance", "/v1/records", "/v1/records/{sequence}/explanation", "/v1/spending",
    "/v1/prices", "/v1/bill", "/v1/quote", "/v1/invoices", "/v1/invoices/{number}", "/v1/invoices/{number}/html",
    "/v1/invoices/{number}/pdf", "/v1/surge", "/v1/operations",
    "/v1/operations/deadletters/replay",
]  # fmt: skip
ENDLESS = {"/v1/alerts"}


class Fuzzed(NamedTuple):
    """An application, and its document as Schemathesis reads it."""

    world: World
    schema: Any


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Fuzzed:
    world = World(tmp_path_factory.mktemp("fuzz"))
    return Fuzzed(world, schemathesis.openapi.from_asgi("/v1/openapi.json", application(world.parts())))


def test_every_path_is_fuzzed(fuzzed: Fuzzed) -> None:
    assert set(fuzzed.schema.raw_schema["paths"]) == {*PATHS, *ENDLESS}


@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_asked_is_answered_as_documented(fuzzed: Fuzzed, path: str) -> None:
    (method,) = fuzzed.schema.raw_schema["paths"][path]

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(case=fuzzed.schema[path][method].as_strategy())
    def ask(case: Any) -> None:
        case.headers = dict(case.headers or {}) | {"authorization": f"Bearer {fuzzed.world.keys['operations']}"}
        if len(str(case.query.get("customer", ""))) % 2:  # half of the time a customer who is there
            case.query["customer"] = CUSTOMERS[0]
        case.call_and_validate(checks=CHECKS)

    ask()
