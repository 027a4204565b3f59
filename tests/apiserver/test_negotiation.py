"""Which form an answer takes."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.http import Request
from pynetes.apiserver.negotiation import input_type, negotiate

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
        ("application/*", "application/json", None),
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
