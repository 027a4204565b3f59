from typing import Any

import orjson
import pytest

from pynetes.apimachinery.codec import decode
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema import empties

POD = GroupVersionKind("", "v1", "Pod")
SLICE = GroupVersionKind("discovery.k8s.io", "v1", "EndpointSlice")
CUSTOM = GroupVersionKind("example.com", "v1", "Widget")

CASES: dict[str, tuple[GroupVersionKind, dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # kind, what is sent, judged, written out, stored
    "a map": (POD, {"spec": {"overhead": {}}}, {"spec": {"overhead": {}}}, {"spec": {}}, {"spec": {}}),
    "one that says something": (POD, *[{"spec": {"overhead": {"cpu": "1"}}}] * 4),
    "within a list": (
        POD,
        {"spec": {"containers": [{"name": "a", "resources": {"claims": []}}, {"name": "b"}]}},
        {"spec": {"containers": [{"name": "a", "resources": {"claims": []}}, {"name": "b", "resources": {}}]}},
        {"spec": {"containers": [{"name": "a", "resources": {}}, {"name": "b", "resources": {}}]}},
        {"spec": {"containers": [{"name": "a", "resources": {}}, {"name": "b", "resources": {}}]}},
    ),
    "one that nothing asks for": (POD, {"spec": {"volumes": []}}, *[{"spec": {}}] * 3),
    "one that is always shown": (
        SLICE,
        {"endpoints": []},
        {"endpoints": [], "ports": None, "addressType": ""},
        {"endpoints": [], "ports": None, "addressType": ""},
        {"endpoints": None, "ports": None, "addressType": ""},
    ),
    "what no schema describes": (CUSTOM, *[{"spec": {"overhead": {}}}] * 4),
}


@pytest.mark.parametrize(("kind", "sent", "judged", "written", "stored"), CASES.values(), ids=CASES)
def test_empties_are_judged_and_not_stored(
    kind: GroupVersionKind, sent: dict[str, Any], judged: Any, written: Any, stored: Any
) -> None:
    head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "a"}}
    obj, _ = decode(orjson.dumps({**head, **sent}), kind)
    slow, _ = decode(orjson.dumps({**head, "nonsense": 1, **sent}), kind, validation="Ignore")
    slow.pop("nonsense", None)
    status = {"status": {}} if kind == POD else {}
    assert obj == slow == {**head, **judged, **status}
    assert empties.written(obj, kind) == {**head, **written, **status}
    assert (empties.written(obj, kind) is obj) == (judged == written)
    empties.settle(obj, kind)
    assert obj == {**head, **stored, **status}
