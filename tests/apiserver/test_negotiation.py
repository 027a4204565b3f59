"""Which form an answer takes."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError, not_found
from pynetes.apiserver.filters.recovery import status_response
from pynetes.apiserver.http import Request
from pynetes.apiserver.negotiation import input_type, negotiate
from pynetes.apiserver.requestinfo import RequestInfo

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def request(**headers: str) -> Request:
    async def nothing() -> bytes:
        return b""

    return Request("GET", "/", {}, {name.replace("_", "-"): value for name, value in headers.items()}, nothing)


@pytest.mark.parametrize(
    ("accept", "media", "transform"),
    [
        ("", "application/json", None),
        ("*/*", "application/json", None),
        ("application/json;q=0.1, application/*", "application/json", None),
        ("*/*, application/yaml", "application/yaml", None),
        ("application/yaml", "application/yaml", None),
        ("application/yaml;q=0.5, application/json;q=0.9", "application/json", None),
        ("application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf", None),
        (f"{TABLE},application/json", "application/json", "Table"),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", "application/json", None),
        ("application/json;as=Unheard;v=v1;g=meta.k8s.io,application/yaml", "application/yaml", None),
    ],
)
def test_best_clause_that_can_be_served_wins(accept: str, media: str, transform: Any) -> None:
    found = negotiate(request(Accept=accept))
    assert found.codec.media_type == media
    assert (found.transform.kind if found.transform else None) == transform


def test_nothing_acceptable_is_406_and_unknown_bodies_415() -> None:
    with pytest.raises(StatusError) as caught:
        negotiate(request(Accept="text/html"))
    assert caught.value.code == 406
    with pytest.raises(StatusError) as caught:
        input_type(request(Content_Type="text/plain"))
    assert caught.value.code == 415
    assert input_type(request(Content_Type="application/json; charset=utf-8")) == "application/json"


def test_tables_are_for_resources_only() -> None:
    with pytest.raises(StatusError):
        negotiate(request(Accept=TABLE), "plain")
    with pytest.raises(StatusError) as caught:
        negotiate(request(Accept=TABLE), "reviews")
    assert caught.value.code == 406
    partial = negotiate(request(Accept=TABLE.replace("Table", "PartialObjectMetadata")), "reviews")
    assert partial.transform is not None


STREAMS = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
ROUTED = "406: Not Acceptable\n\nAvailable representations: "
ACCEPTED = "only the following media types are accepted: "


@pytest.mark.parametrize(
    ("accept", "family", "verb", "message"),
    [
        ("text/html", "objects", "get", ROUTED + TYPES),
        ("application/*", "objects", "get", ROUTED + TYPES),
        ("*", "objects", "list", f"{ROUTED}{TYPES}, {STREAMS}"),
        ("application/yaml;stream=watch", "objects", "get", ACCEPTED + TYPES),
        ("application/yaml", "objects", "watch", ACCEPTED + STREAMS),
        (TABLE.replace("v1", "v2"), "objects", "list", ACCEPTED + TYPES),
        ("text/html", "custom", "get", ACCEPTED + TYPES),
        ("text/html", "groups", "get", ACCEPTED + TYPES),
        ("text/html", "plain", "get", ROUTED + TYPES),
    ],
)
def test_refusals_have_the_words_of_whoever_refuses(accept: str, family: str, verb: str, message: str) -> None:
    asked = request(Accept=accept)
    asked.info = RequestInfo(True, verb, "/")
    with pytest.raises(StatusError) as caught:
        negotiate(asked, family, stream=verb == "watch")
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("query", "agent", "pretty"),
    [
        ("", "curl/8.0", True),
        ("true", "", True),
        ("false", "Mozilla/5.0", False),
        ("yes", "Wget/1", False),
        ("", "kubectl", False),
    ],
)
def test_who_reads_indented(query: str, agent: str, pretty: bool) -> None:
    asked = request(User_Agent=agent)
    asked.query = {"pretty": [query]}
    assert negotiate(asked).pretty is pretty


def test_an_error_that_cannot_be_negotiated_is_indented_json() -> None:
    answer = status_response(request(Accept=TABLE), not_found("pods", "web"))
    assert answer.content_type == "application/json"
    assert answer.body.startswith(b'{\n  "kind": "Status",\n')
    assert status_response(request(Accept="application/yaml"), not_found("pods", "web")).body.startswith(b"apiVersion")
