"""docs/reference/api.md says what the OpenAPI document says."""

import re

from tests.unit.tollgate.api.world import World
from tollgate.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "reference" / "api.md"
ROW = re.compile(r"^\| `(?:POST )?(/v1/[^`]*)` \| ([^|]*) \|", re.MULTILINE)
NAME = re.compile(r"`([A-Za-z_-]+)`")


def test_every_route_and_parameter_is_on_the_page_and_no_others(world: World) -> None:
    document = world.client.get("/v1/openapi.json").json()
    rows = ROW.findall(PAGE.read_text())
    said = {path: set(NAME.findall(parameters)) - {"customer", "true", "id"} for path, parameters in rows}
    there = {
        path: {one["name"] for one in method.get("parameters", ()) if one["in"] != "path"} - {"customer"}
        for path, methods in document["paths"].items()
        for method in methods.values()
    }
    said["/v1/alerts"] = {name.lower() for name in said["/v1/alerts"]}
    assert said == there


def test_every_documented_status_has_the_one_shape(world: World) -> None:
    document = world.client.get("/v1/openapi.json").json()
    answers = [(path, one["responses"]) for path, methods in document["paths"].items() for one in methods.values()]
    for path, responses in answers:
        for status in ("401", "404", "422", "429", "503"):
            content = responses[status]["content"]
            assert content["application/json"]["schema"]["$ref"].endswith("ProblemBody"), (path, status)
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
