"""Which requests the verbs make."""

import orjson
import pytest

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.rest import Client
from pynetes.client.transport import TransportResponse

PODS = GroupVersionResource("", "v1", "pods")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")


class Recording:
    def __init__(self, answer=b'{"kind":"Pod","metadata":{}}'):
        self.answer = answer

    async def request(self, request, *, timeout=None):
        body = orjson.loads(request.body) if request.body else None
        self.seen = (request.method, request.path, dict(request.query), body)
        self.content_type = request.headers.get("Content-Type")
        self.accept = request.headers["Accept"]
        return TransportResponse(200, {}, self.answer)


POD = {"metadata": {"name": "a", "namespace": "ns"}}
CASES = {
    "get": (lambda c: c.get(PODS, "a", "ns"), ("GET", "/api/v1/namespaces/ns/pods/a", {}, None)),
    "get a subresource": (
        lambda c: c.get(DEPLOYMENTS, "a", "ns", subresource="scale"),
        ("GET", "/apis/apps/v1/namespaces/ns/deployments/a/scale", {}, None),
    ),
    "create in the object's namespace": (
        lambda c: c.create(PODS, POD, dry_run=True),
        ("POST", "/api/v1/namespaces/ns/pods", {"dryRun": "All"}, POD),
    ),
    "create a subresource": (
        lambda c: c.create(PODS, {"kind": "Binding"}, "ns", name="a", subresource="binding"),
        ("POST", "/api/v1/namespaces/ns/pods/a/binding", {}, {"kind": "Binding"}),
    ),
    "update": (
        lambda c: c.update(PODS, POD, field_manager="me"),
        ("PUT", "/api/v1/namespaces/ns/pods/a", {"fieldManager": "me"}, POD),
    ),
    "update status": (
        lambda c: c.update_status(PODS, POD),
        ("PUT", "/api/v1/namespaces/ns/pods/a/status", {}, POD),
    ),
    "delete with options": (
        lambda c: c.delete(PODS, "a", "ns", grace_period_seconds=0, propagation_policy="Foreground", uid="u"),
        (
            "DELETE",
            "/api/v1/namespaces/ns/pods/a",
            {},
            {
                "kind": "DeleteOptions",
                "apiVersion": "v1",
                "gracePeriodSeconds": 0,
                "propagationPolicy": "Foreground",
                "preconditions": {"uid": "u"},
            },
        ),
    ),
    "delete plainly": (lambda c: c.delete(PODS, "a", "ns"), ("DELETE", "/api/v1/namespaces/ns/pods/a", {}, None)),
    "delete a collection": (
        lambda c: c.delete_collection(PODS, "ns", label_selector="a=b"),
        ("DELETE", "/api/v1/namespaces/ns/pods", {"labelSelector": "a=b"}, None),
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_requests(case):
    call, expected = CASES[case]
    transport = Recording()
    await call(Client(transport))
    assert transport.seen == expected


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("merge", "application/merge-patch+json"),
        ("json", "application/json-patch+json"),
        ("strategic", "application/strategic-merge-patch+json"),
        ("apply", "application/apply-patch+yaml"),
    ],
)
async def test_patches_name_their_type(kind, content_type):
    transport = Recording()
    await Client(transport).patch(PODS, "a", {"x": 1}, "ns", type=kind, force=kind == "apply", field_manager="me")
    assert transport.content_type == content_type
    assert transport.seen[2] == {"fieldManager": "me", **({"force": "true"} if kind == "apply" else {})}


async def test_listed_items_learn_their_type():
    transport = Recording(b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"a"}}]}')
    found = await Client(transport).list(PODS)
    assert found["items"][0]["kind"] == "Pod"
    assert found["items"][0]["apiVersion"] == "v1"


async def test_an_absent_item_list_is_empty():
    transport = Recording(b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}')
    assert (await Client(transport).list(PODS))["items"] == []


async def test_metadata_only_asks_for_partial_objects():
    transport = Recording(
        b'{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[]}'
    )
    await Client(transport).list(PODS, metadata_only=True)
    assert transport.accept.startswith("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
