import orjson
import pytest

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.discovery import DiscoveryFailed, discover
from pynetes.client.rest import Client
from pynetes.client.transport import TransportResponse

VERBS = ["get", "list", "watch", "delete"]
CORE = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {},
            "versions": [
                {
                    "version": "v1",
                    "freshness": "Current",
                    "resources": [
                        {
                            "resource": "pods",
                            "responseKind": {"kind": "Pod"},
                            "scope": "Namespaced",
                            "verbs": VERBS,
                        },
                        {"resource": "bindings", "responseKind": {"kind": "Binding"}, "verbs": ["create"]},
                    ],
                }
            ],
        }
    ],
}
GROUPS = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "example.com"},
            "versions": [
                {"version": "v2", "freshness": "Stale"},
                {
                    "version": "v1",
                    "resources": [
                        {"resource": "things", "responseKind": {"kind": "Thing"}, "scope": "Cluster", "verbs": VERBS}
                    ],
                },
            ],
        }
    ],
}


class Pages:
    def __init__(self, pages):
        self._pages = pages

    async def request(self, request, *, timeout=None):
        page = self._pages.get(request.path)
        if page is None:
            return TransportResponse(503, {}, b"unavailable")
        return TransportResponse(200, {}, orjson.dumps(page))


async def test_aggregated_discovery():
    found = await discover(Client(Pages({"/api": CORE, "/apis": GROUPS})))
    assert [str(r.gvr) for r in found.resources] == ["pods (v1)", "bindings (v1)", "things.example.com (v1)"]
    assert found.stale == {"example.com/v2"}
    assert [r.kind for r in found.preferred("list", "delete")] == ["Pod", "Thing"]
    pod = found.by_kind("v1", "Pod")
    assert pod.gvr == GroupVersionResource("", "v1", "pods")
    assert pod.namespaced
    assert found.by_kind("v2", "Pod") is None


async def test_a_server_without_aggregated_discovery():
    entry = {"kind": "Pod", "namespaced": True, "verbs": VERBS}
    group = {
        "preferredVersion": {"groupVersion": "e.com/v2"},
        "versions": [{"groupVersion": "e.com/v1"}, {"groupVersion": "e.com/v2"}],
    }
    pages = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/api/v1": {"resources": [{"name": "pods", **entry}, {"name": "pods/log", **entry}]},
        "/apis": {"kind": "APIGroupList", "groups": [group]},
        "/apis/e.com/v2": {"resources": [{"name": "things", **entry}]},
    }
    found = await discover(Client(Pages(pages)))
    assert [str(r.gvr) for r in found.resources] == ["pods (v1)", "things.e.com (v2)"]
    assert found.stale == {"e.com/v1"}


async def test_no_answer_is_an_error_not_an_empty_cluster():
    with pytest.raises(DiscoveryFailed):
        await discover(Client(Pages({"/api": CORE})))
