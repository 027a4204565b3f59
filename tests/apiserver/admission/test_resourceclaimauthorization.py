"""Administrators' access to devices, and who may say what of a claim's devices."""

from typing import Any

import pytest
from admission_write import outcome, write

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apiserver.admission.resourceclaimauthorization import ResourceClaimAuthorization, on_node
from pynetes.apiserver.authentication.user import NODE_NAME, UserInfo
from pynetes.apiserver.authorization.attributes import Attributes as Asked
from pynetes.apiserver.authorization.attributes import Decision

Object = dict[str, Any]

CLAIMS = GroupVersionResource("resource.k8s.io", "v1", "resourceclaims")
TEMPLATES = GroupVersionResource("resource.k8s.io", "v1", "resourceclaimtemplates")
NEEDED = "Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace"  # noqa: E501
PLACED = {
    "nodeSelector": {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]
    }
}
DRIVER = UserInfo("system:serviceaccount:a:driver", extra={NODE_NAME: ("n",)})


class Allowed:
    """An authorizer that allows some verbs on some subresources, and remembers what it was asked."""

    def __init__(self, *allowed: tuple[str, str]) -> None:
        self.allowed, self.asked = allowed, list[Asked]()

    def authorize(self, attrs: Asked) -> Decision:
        self.asked.append(attrs)
        return Decision((attrs.verb, attrs.subresource) in self.allowed, reason="no rule")


def devices(*requests: Object) -> Object:
    return {"devices": {"requests": list(requests)}}


@pytest.mark.parametrize(
    ("labels", "requests", "told"),
    [
        ({}, [{"name": "a", "exactly": {"adminAccess": False}}, {"name": "b", "firstAvailable": []}], ""),
        ({}, [{"name": "a"}, {"exactly": {"adminAccess": True}}], NEEDED),
        ({"resource.kubernetes.io/admin-access": "True"}, [{"name": "a"}, {"exactly": {"adminAccess": True}}], NEEDED),
        ({"resource.kubernetes.io/admin-access": "true"}, [{"name": "a"}, {"exactly": {"adminAccess": True}}], ""),
        (
            None,
            [{"name": "a"}, {"exactly": {"adminAccess": True}}],
            'Internal error: could not retrieve namespace to verify admin access: namespaces "a" not found',
        ),
    ],
)
async def test_administrators_access_is_for_labelled_namespaces(
    objects: Any, labels: Object | None, requests: list[Object], told: str
) -> None:
    if labels is not None:
        objects.add("namespaces", {"metadata": {"name": "a", "labels": labels}})
    plugin = ResourceClaimAuthorization(objects, Allowed())
    for gvr, kind, spec in (
        (CLAIMS, "ResourceClaim", devices(*requests)),
        (TEMPLATES, "ResourceClaimTemplate", {"spec": devices(*requests)}),
    ):
        found = await outcome(plugin, write({"spec": spec}, gvr=gvr, kind=kind))
        where = f'422 {kind}.resource.k8s.io "x" is invalid: spec.devices.requests[1].adminAccess: '
        assert found == (where + told if told else "")


@pytest.mark.parametrize(
    ("allowed", "after", "told"),
    [
        ([], {"allocation": {}, "conditions": []}, ""),
        ([("update", "binding")], {"allocation": PLACED}, ""),
        (
            [],
            {"allocation": {}, "reservedFor": [{"name": "p"}]},
            'status.allocation: Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update" permission: '  # noqa: E501
            'resourceclaims.resource.k8s.io is forbidden: User "jane" cannot update resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope: no rule',  # noqa: E501
        ),
        ([("arbitrary-node:update", "driver")], {"allocation": {}, "devices": [{"driver": "d"}]}, ""),
        (
            [],
            {"allocation": {}, "devices": [{"driver": "d", "device": "new"}, {"driver": "kept"}]},
            'status.devices: Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[arbitrary-node:update]" permission: '  # noqa: E501
            'resourceclaims.resource.k8s.io "d" is forbidden: User "jane" cannot arbitrary-node:update resource "resourceclaims/driver" in API group "resource.k8s.io" in the namespace "a": no rule',  # noqa: E501
        ),
        ([("update", "binding")], {"devices": [{"driver": "d"}]}, ""),
        (
            [("update", "binding")],
            {"allocation": {"devices": {"results": [{"adminAccess": True}]}}},
            f"status.allocation.devices.results[0].adminAccess: {NEEDED}",
        ),
    ],
)
async def test_who_gives_devices_or_says_how_they_are_is_asked_for(
    objects: Any, allowed: list[tuple[str, str]], after: Object, told: str
) -> None:
    objects.add("namespaces", {"metadata": {"name": "a"}})
    before = {"status": {"allocation": {}, "devices": [{"driver": "kept"}]}}
    if "devices" not in after:
        after = {**after, "devices": [{"driver": "kept"}]}
    attrs = write({"status": after}, before, gvr=CLAIMS, kind="ResourceClaim", subresource="status")
    found = await outcome(ResourceClaimAuthorization(objects, Allowed(*allowed)), attrs)
    assert found == (f'422 ResourceClaim.resource.k8s.io "x" is invalid: {told}' if told else "")


async def test_a_driver_on_the_claims_own_node_needs_less(objects: Any) -> None:
    status = {"allocation": PLACED, "devices": [{"driver": "d"}]}
    attrs = write({"status": status}, {"status": {"allocation": PLACED}}, gvr=CLAIMS, subresource="status")
    attrs.user, attrs.patch = DRIVER, True
    authorizer = Allowed(("associated-node:patch", "driver"))
    assert await outcome(ResourceClaimAuthorization(objects, authorizer), attrs) == ""
    asked = {(each.verb, each.namespace, each.name) for each in authorizer.asked}
    assert asked == {("associated-node:patch", "a", "d")}
    assert not on_node(UserInfo("driver", extra=DRIVER.extra), status)
    assert not on_node(UserInfo(DRIVER.name, extra={NODE_NAME: ("other",)}), status)
    assert not on_node(DRIVER, {"allocation": {}})
