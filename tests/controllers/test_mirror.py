"""EndpointSlices that repeat Endpoints written by hand: by table, and against the real API server."""

from typing import Any

import pytest

from pynetes.apimachinery import meta
from pynetes.apis.names import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from pynetes.controllers.endpoints import mirror, slices

HTTP = {"name": "http", "port": 80, "protocol": "TCP"}


def endpoints(*subsets: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    found = {"name": "web", "namespace": "default", "uid": "u", **metadata}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": found, "subsets": list(subsets)}


def subset(*ips: str, not_ready: tuple[str, ...] = (), ports: tuple[Any, ...] = (HTTP,)) -> dict[str, Any]:
    out: dict[str, Any] = {"addresses": [{"ip": ip} for ip in ips], "ports": list(ports)}
    return out | ({"notReadyAddresses": [{"ip": ip} for ip in not_ready]} if not_ready else {})


def stored(plan: mirror.Plan) -> list[dict[str, Any]]:
    """What the plan creates, as the API server would have it."""
    out = []
    for number, slice_ in enumerate(plan.create):
        out.append({**slice_, "metadata": {**slice_["metadata"], "name": f"web-{number}", "uid": str(number)}})
    return out


def says(slice_: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(e["addresses"][0], e["conditions"]["ready"]) for e in slice_["endpoints"]]


def test_a_slice_for_each_family_and_set_of_ports():
    other = {"name": "dns", "port": 53, "protocol": "UDP"}
    wanted = endpoints(subset("10.0.0.1", "2001:db8::1", not_ready=("10.0.0.2",)), subset("10.0.0.1", ports=(other,)))
    plan = mirror.plan(wanted, [])
    assert [(s["addressType"], s["ports"], says(s)) for s in plan.create] == [
        ("IPv4", [HTTP], [("10.0.0.1", True), ("10.0.0.2", False)]),
        ("IPv6", [HTTP], [("2001:db8::1", True)]),
        ("IPv4", [other], [("10.0.0.1", True)]),
    ]
    assert not plan.update
    assert not plan.delete


def test_labels_annotations_and_the_owner_are_the_endpoints():
    wanted = endpoints(
        subset("10.0.0.1"),
        labels={"a": "b"},
        annotations={"c": "d", "endpoints.kubernetes.io/last-change-trigger-time": "x"},
    )
    (made,) = mirror.plan(wanted, []).create
    assert meta.labels(made) == {"a": "b", slices.SERVICE_NAME: "web", slices.MANAGED_BY: mirror.CONTROLLER}
    assert meta.annotations(made) == {"c": "d"}
    assert (meta.controller_of(made) or {})["kind"] == "Endpoints"


def test_what_is_right_stays_and_what_is_not_is_rewritten_in_place():
    first = endpoints(subset("10.0.0.1", "10.0.0.2"))
    existing = stored(mirror.plan(first, []))
    turned = endpoints(subset("10.0.0.2", "10.0.0.1"))
    assert mirror.plan(turned, existing) == mirror.Plan()
    plan = mirror.plan(endpoints(subset("10.0.0.3")), existing)
    assert [(meta.name(s), says(s)) for s in plan.update] == [("web-0", [("10.0.0.3", True)])]
    relabelled = mirror.plan(endpoints(subset("10.0.0.1", "10.0.0.2"), labels={"x": "y"}), existing)
    assert [meta.labels(s)["x"] for s in relabelled.update] == ["y"]


def test_other_ports_take_over_the_slice_of_those_that_went():
    existing = stored(mirror.plan(endpoints(subset("10.0.0.1")), []))
    https = {"name": "https", "port": 443, "protocol": "TCP"}
    plan = mirror.plan(endpoints(subset("10.0.0.1", ports=(https,))), existing)
    assert (plan.create, plan.delete) == ([], [])
    assert [(meta.name(s), s["ports"]) for s in plan.update] == [("web-0", [https])]
    emptied = mirror.plan(endpoints(), existing)
    assert [meta.name(s) for s in emptied.delete] == ["web-0"]


def test_addresses_beyond_the_limit_and_such_as_are_none_are_counted():
    plan = mirror.plan(endpoints(subset("10.0.0.1", "nonsense", "10.0.0.2", "10.0.0.3")), [], limit=2)
    assert (len(plan.create[0]["endpoints"]), plan.invalid, plan.skipped) == (2, 1, 1)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, True),
        ({"labels": {mirror.SKIP: "true"}}, False),
        ({"labels": {mirror.SKIP: "no"}}, True),
        ({"annotations": {mirror.LEADER: "{}"}}, False),
    ],
)
def test_which_endpoints_are_mirrored(metadata: dict[str, Any], expected: bool):
    assert mirror.is_mirrored(endpoints(**metadata)) is expected


async def test_slices_follow_endpoints_written_by_hand(cluster):
    ports = [{"name": "http", "port": 80}]
    await cluster.client.create(
        SERVICES, {"metadata": {"name": "web", "namespace": "default"}, "spec": {"ports": ports}}
    )
    made = endpoints(subset("10.0.0.1"))
    del made["metadata"]["uid"]
    made = await cluster.client.create(ENDPOINTS, made)

    async def addresses() -> list[str]:
        listed = await cluster.client.list(ENDPOINT_SLICES, "default", label_selector=f"{slices.SERVICE_NAME}=web")
        return sorted(a for s in listed["items"] for e in s.get("endpoints") or () for a in e["addresses"])

    async def are(*expected: str) -> bool:
        return await addresses() == list(expected)

    await cluster.eventually(lambda: are("10.0.0.1"))
    await cluster.client.update(ENDPOINTS, {**made, "subsets": [subset("10.0.0.1", "10.0.0.9")]})
    await cluster.eventually(lambda: are("10.0.0.1", "10.0.0.9"))
    await cluster.client.delete(ENDPOINTS, "web", "default")
    await cluster.eventually(lambda: are())
