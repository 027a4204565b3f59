"""One set of OpenAPI documents, whoever serves what they describe."""

from typing import Any

import pytest

from pynetes.apiserver.aggregation import openapi
from pynetes.apiserver.aggregation.extension import Extension
from tests.apiserver.aggregation.conftest import API_SERVICES, GROUP, NAME, ROOT, Web, until

Object = dict[str, Any]

EXTENSION = Extension("v1.g", "g", "v1", "ns", "svc")
KEY = f"apis/{GROUP}/v1"
DEFINITION = "com.example.stable.v1.CronTab"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


async def _index(web: Web) -> Object:
    found: Object = (await web.ok("GET", "/openapi/v3"))["paths"]
    return found


async def test_the_index_leads_to_the_document_of_the_server_behind(web: Web, served: Object) -> None:
    async def described() -> Object | None:
        return (await _index(web)).get(KEY)

    url = (await until(described, "the description"))["serverRelativeURL"]
    answer = await web("GET", url)
    assert DEFINITION in answer.json["components"]["schemas"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert "apis/apps/v1" in await _index(web)


async def test_v2_holds_both_servers_paths(web: Web, served: Object) -> None:
    before = (await web("GET", "/openapi/v2")).json

    async def described() -> Object | None:
        found = await web.ok("GET", "/openapi/v2")
        return found if f"{ROOT}/crontabs" in found["paths"] else None

    found = await until(described, "the description")
    assert DEFINITION in found["definitions"]
    assert before["paths"].keys() <= found["paths"].keys()
    packed = await web("GET", "/openapi/v2", accept=PROTOBUF)
    assert packed.status == 200
    assert DEFINITION.encode() in packed.body


async def test_descriptions_go_with_the_apiservice(web: Web, served: Object) -> None:
    async def described() -> bool:
        return KEY in await _index(web)

    await until(described, "the description")
    await web.ok("DELETE", f"{API_SERVICES}/{NAME}")

    async def gone() -> bool:
        return KEY not in await _index(web)

    await until(gone, "the description to go")
    assert f"{ROOT}/crontabs" not in (await web.ok("GET", "/openapi/v2"))["paths"]


def test_of_an_index_only_the_group_is_taken() -> None:
    entries = {key: {"serverRelativeURL": f"/{key}"} for key in ("apis/g/v1", "apis/g/v2", "version")}
    index = openapi.own_index({"paths": {**entries, "apis/g": "nonsense"}}, EXTENSION)
    assert index == {"apis/g/v1": {"serverRelativeURL": "/apis/g/v1"}}


@pytest.mark.parametrize(
    "path", [{"Extensions": None}, {"get": {"OperationProps": {}}}, {"get": []}, {"get": {"tags": 3}}]
)
def test_what_cannot_be_understood_is_left_out(path: Object) -> None:
    assert openapi.encodable({"paths": {"/apis/g/v1/a": path}, "definitions": {}}) == {}
    sound = {"paths": {"/apis/g/v1/a": {"get": {"tags": ["g"]}}}, "definitions": {}}
    assert openapi.encodable(sound) == sound


def test_of_a_document_the_paths_and_all_that_they_need_are_taken() -> None:
    document = {
        "paths": {
            "/apis/g/v1/a": {
                "get": {"schema": {"$ref": "#/definitions/A"}, "parameters": [{"$ref": "#/parameters/p"}]}
            },
            "/apis/g/v1": {},
            "/apis/g/v10/a": {"get": {"schema": {"$ref": "#/definitions/C"}}},
            "/version": {},
        },
        "definitions": {
            "A": {"properties": {"b": {"items": [{"$ref": "#/definitions/B"}]}}},
            "B": {"properties": {"a": {"$ref": "#/definitions/A"}}},
            "C": {},
        },
        "parameters": {"p": {"name": "p", "in": "query"}, "q": {}},
    }
    part = openapi.own_part(document, EXTENSION)
    assert list(part["paths"]) == ["/apis/g/v1/a", "/apis/g/v1"]
    assert list(part["definitions"]) == ["A", "B"]
    assert list(part["parameters"]) == ["p"]
