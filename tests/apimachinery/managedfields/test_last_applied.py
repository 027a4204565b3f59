from typing import Any

import orjson
import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.last_applied import ANNOTATION, allowed_conflicts, follow
from pynetes.apimachinery.managedfields.schema_types import of_kind

KIND = of_kind(GroupVersionKind("apps", "v1", "Deployment"))
BASE = {"apiVersion": "apps/v1", "kind": "Deployment"}


def live(last: Any, **spec: Any) -> dict[str, Any]:
    text = last if isinstance(last, str) else orjson.dumps(last).decode()
    return {**BASE, "metadata": {"name": "web", "annotations": {ANNOTATION: text}}, "spec": spec}


def allowed(obj: dict[str, Any]) -> Any:
    assert KIND is not None
    return allowed_conflicts(obj, "apps/v1", KIND)


def test_what_nobody_has_changed_since_is_kubectls_own() -> None:
    last = {**BASE, "metadata": {"name": "web"}, "spec": {"replicas": 1, "paused": True, "minReadySeconds": 3}}
    found = allowed(live(last, replicas=1, paused=False))
    assert found == {
        "f:apiVersion": {},
        "f:kind": {},
        "f:metadata": {"f:name": {}},
        "f:spec": {"f:replicas": {}},
    }


@pytest.mark.parametrize(
    "last",
    [
        "",
        "{",
        "[]",
        {"apiVersion": "apps/v1beta1", "kind": "Deployment"},
        {"apiVersion": "apps/v1"},
        {**BASE, "spec": {"replicas": "1"}},
        {**BASE, "spec": {"unknown": 1}},
    ],
)
def test_there_is_no_telling(last: Any) -> None:
    assert allowed(live(last)) is None
    assert allowed({**BASE, "metadata": {}}) is None


def test_the_annotation_follows_what_is_applied() -> None:
    obj = live({"old": True})
    config = {**BASE, "metadata": {"name": "web", "annotations": {ANNOTATION: "x", "note": "a<b"}}}
    follow(obj, config)
    assert obj["metadata"]["annotations"][ANNOTATION] == (
        '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"note":"a\\u003cb"},"name":"web"}}\n'
    )
    bare = {**BASE, "metadata": {"name": "web"}}
    follow(bare, config)
    assert bare["metadata"] == {"name": "web"}


def test_an_annotation_that_would_be_too_large_goes() -> None:
    obj = live({"old": True})
    follow(obj, {**BASE, "metadata": {"name": "web", "labels": {"a": "b" * 300_000}}})
    assert obj["metadata"]["annotations"] == {}
