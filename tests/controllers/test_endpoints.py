"""Endpoints subsets and EndpointSlices, by table."""

import copy

import pytest
from controller_objects import node, pod, service

from pynetes.controllers.endpoints import hints, membership, slices, subsets, topology

NODES = {"n1": node("n1", labels={topology.ZONE: "z1"}), "n2": node("n2", labels={topology.ZONE: "z2"})}


def backend(name, ip, **kwargs):
    return pod(name, ip=ip, labels={"app": "x"}, **kwargs)


# -- membership


def named(container_name, number, protocol="TCP"):
    return [{"name": "c", "ports": [{"name": container_name, "containerPort": number, "protocol": protocol}]}]


@pytest.mark.parametrize(
    ("port", "spec", "expected"),
    [
        ({"port": 80, "targetPort": 8080}, {}, 8080),
        ({"port": 80}, {}, 80),
        ({"port": 80, "targetPort": 0}, {}, 80),
        ({"port": 80, "targetPort": "http"}, {"containers": named("http", 8000)}, 8000),
        ({"port": 80, "targetPort": "http"}, {"containers": named("other", 8000)}, None),
        ({"port": 80, "targetPort": "dns", "protocol": "UDP"}, {"containers": named("dns", 53)}, None),
        ({"port": 80, "targetPort": "dns", "protocol": "UDP"}, {"containers": named("dns", 53, "UDP")}, 53),
        (
            {"port": 80, "targetPort": "http"},
            {"containers": [], "initContainers": [{**named("http", 9000)[0], "restartPolicy": "Always"}]},
            9000,
        ),
        ({"port": 80, "targetPort": "http"}, {"containers": [], "initContainers": named("http", 9000)}, None),
    ],
)
def test_ports_are_found_in_the_pod(port, spec, expected):
    assert membership.container_port(pod(**spec), port) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"type": "ExternalName"}, False),
        ({"selector": None}, False),
        ({"selector": {}}, True),
    ],
)
def test_which_services_get_endpoints(change, expected):
    assert membership.has_endpoints(service(**change)) is expected


def test_a_host_name_needs_the_services_subdomain():
    assert membership.hostname(pod(hostname="h", subdomain="web"), service("web")) == "h"
    assert membership.hostname(pod(hostname="h", subdomain="other"), service("web")) == ""
    assert membership.hostname(pod(subdomain="web"), service("web")) == ""


# -- Endpoints


def ips(addresses):
    return [a["ip"] for a in addresses]


def test_ready_and_waiting_pods_are_told_apart():
    pods = [
        backend("a", "10.0.0.10"),
        backend("b", "10.0.0.9"),
        backend("starting", "10.0.0.3", ready=False),
        backend("done", "10.0.0.4", phase="Succeeded"),
        backend("dying", "10.0.0.5", deleting=True),
        backend("no-ip", None),
    ]
    (found,) = subsets.build(service(), pods)
    assert ips(found["addresses"]) == ["10.0.0.9", "10.0.0.10"]  # by number, not by text
    assert ips(found["notReadyAddresses"]) == ["10.0.0.3"]
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert found["addresses"][0] == {
        "ip": "10.0.0.9",
        "nodeName": "n1",
        "targetRef": {"kind": "Pod", "namespace": "ns", "name": "b", "uid": "uid-b"},
    }


def test_publish_not_ready_addresses_publishes_all():
    pods = [backend("a", "10.0.0.1", ready=False), backend("b", "10.0.0.2", deleting=True)]
    (found,) = subsets.build(service(publishNotReadyAddresses=True), pods)
    assert ips(found["addresses"]) == ["10.0.0.1", "10.0.0.2"]
    assert "notReadyAddresses" not in found


def test_ports_with_the_same_addresses_stand_together():
    ports = [{"name": "a", "port": 1, "targetPort": "a"}, {"name": "b", "port": 2, "targetPort": "b"}]
    both = [{"name": "c", "ports": [{"name": "a", "containerPort": 10}, {"name": "b", "containerPort": 20}]}]
    pods = [backend("p", "10.0.0.1", containers=both), backend("q", "10.0.0.2", containers=both)]
    (found,) = subsets.build(service(ports=ports), pods)
    assert [p["port"] for p in found["ports"]] == [10, 20]
    only_a = backend("r", "10.0.0.3", containers=named("a", 10))
    first, second = subsets.build(service(ports=ports), [*pods, only_a])
    assert (ips(first["addresses"]), ips(second["addresses"])) == (
        ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        ["10.0.0.1", "10.0.0.2"],
    )


def test_a_headless_service_needs_no_ports():
    (found,) = subsets.build(service(ports=[], clusterIP="None"), [backend("a", "10.0.0.1")])
    assert "ports" not in found
    assert subsets.build(service(ports=[]), [backend("a", "10.0.0.1")]) == []


def test_an_unnamed_port_has_no_name():
    (found,) = subsets.build(service(ports=[{"port": 80, "targetPort": 8080}]), [backend("a", "10.0.0.1")])
    assert found["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_too_many_addresses_are_cut_and_marked():
    pods = [backend(f"p{i}", f"10.0.{i // 250}.{i % 250 + 1}", ready=i >= 100) for i in range(1100)]
    wanted = subsets.desired(service(), pods, None)
    (found,) = wanted["subsets"]
    assert len(found["addresses"]) == 1000
    assert "notReadyAddresses" not in found
    assert wanted["metadata"]["annotations"] == {subsets.OVER_CAPACITY: "truncated"}
    assert subsets.desired(service(), pods, wanted) is None


def test_endpoints_are_written_only_when_they_change():
    pods = [backend("a", "10.0.0.1")]
    wanted = subsets.desired(service(), pods, None)
    assert wanted["metadata"]["labels"] == {"team": "a", subsets.MANAGED_BY: subsets.CONTROLLER}
    assert subsets.desired(service(), pods, wanted) is None
    assert subsets.desired(service(), [], wanted)["subsets"] == []
    headless = subsets.desired(service(clusterIP="None"), pods, wanted)
    assert headless["metadata"]["labels"][subsets.HEADLESS] == ""


# -- EndpointSlices


class Cluster:
    """Carries plans out, as an API server would."""

    def __init__(self, svc, limit=3):
        self.service, self.limit = svc, limit
        self.slices = {}
        self.made = 0

    def sync(self, pods, nodes=None):
        existing = copy.deepcopy(list(self.slices.values()))
        plan = slices.plan(self.service, pods, existing, NODES if nodes is None else nodes, self.limit)
        for slice_ in plan.create:
            self.made += 1
            name = f"web-{self.made}"
            meta = {**slice_["metadata"], "name": name, "uid": name}
            self.slices[name] = {**slice_, "metadata": meta}
        for slice_ in plan.update:
            self.slices[slice_["metadata"]["name"]] = slice_
        for slice_ in plan.delete:
            del self.slices[slice_["metadata"]["name"]]
        return len(plan.create), len(plan.update), len(plan.delete)

    def addresses(self):
        return {n: sorted(e["addresses"][0] for e in s["endpoints"]) for n, s in self.slices.items()}


def many(count, start=1):
    return [backend(f"p{i}", f"10.0.0.{i}") for i in range(start, start + count)]


def test_an_endpoint_says_all_about_its_pod():
    cluster = Cluster(service())
    cluster.sync([backend("a", "10.0.0.1", hostname="h", subdomain="web")])
    (found,) = cluster.slices.values()
    assert found["endpoints"] == [
        {
            "addresses": ["10.0.0.1"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "hostname": "h",
            "nodeName": "n1",
            "targetRef": {"kind": "Pod", "namespace": "ns", "name": "a", "uid": "uid-a"},
            "zone": "z1",
        }
    ]
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert found["metadata"]["labels"] == {
        "team": "a",
        slices.SERVICE_NAME: "web",
        slices.MANAGED_BY: slices.CONTROLLER,
    }
    assert found["metadata"]["generateName"] == "web-"
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Service"


@pytest.mark.parametrize(
    ("ready", "deleting", "publish", "expected"),
    [
        (True, False, False, (True, True, False)),
        (False, False, False, (False, False, False)),
        (True, True, False, (False, True, True)),
        (False, True, False, (False, False, True)),
        (False, False, True, (True, False, False)),
        (True, True, True, (True, True, True)),
    ],
)
def test_conditions(ready, deleting, publish, expected):
    svc = service(publishNotReadyAddresses=publish)
    endpoint = slices.build_endpoint(svc, backend("a", "10.0.0.1", ready=ready, deleting=deleting), None, "IPv4")
    assert tuple(endpoint["conditions"].values()) == expected


def test_slices_fill_up_and_stay_put():
    cluster = Cluster(service())
    assert cluster.sync(many(4)) == (2, 0, 0)
    assert cluster.sync(many(4)) == (0, 0, 0)
    assert cluster.sync(many(5)) == (0, 1, 0)
    before = cluster.addresses()
    assert cluster.sync(many(4, start=2)) == (0, 1, 0)
    after = cluster.addresses()
    assert sum(before[name] != after[name] for name in before) == 1
    assert cluster.sync(many(6, start=2)) == (1, 0, 0)  # as two fit into neither
    assert all(len(a) <= 3 for a in cluster.addresses().values())


def test_a_changed_pod_changes_one_slice():
    cluster = Cluster(service())
    pods = many(6)
    cluster.sync(pods)
    pods[4] = backend("p5", "10.0.0.5", ready=False)
    assert cluster.sync(pods) == (0, 1, 0)


def test_new_endpoints_go_where_others_left():
    cluster = Cluster(service())
    cluster.sync(many(6))
    assert cluster.sync([*many(5), backend("new", "10.0.0.99")]) == (0, 1, 0)


def test_without_pods_an_empty_slice_remains():
    cluster = Cluster(service())
    assert cluster.sync([]) == (1, 0, 0)
    assert cluster.sync([]) == (0, 0, 0)
    (found,) = cluster.slices.values()
    assert (found["endpoints"], found["ports"]) == ([], [])
    assert cluster.sync(many(1)) == (0, 1, 0)  # reused
    assert cluster.sync([]) == (0, 1, 0)
    assert len(cluster.slices) == 1


def test_pods_that_name_a_port_differently_have_their_own_slice():
    svc = service(ports=[{"name": "http", "port": 80, "targetPort": "http"}])
    cluster = Cluster(svc)
    pods = [
        backend("old", "10.0.0.1", containers=named("http", 8000)),
        backend("new", "10.0.0.2", containers=named("http", 9000)),
    ]
    cluster.sync(pods)
    assert sorted(s["ports"][0]["port"] for s in cluster.slices.values()) == [8000, 9000]


def test_changed_labels_are_copied():
    cluster = Cluster(service())
    cluster.sync(many(1))
    cluster.service["metadata"]["labels"] = {"team": "b", slices.SERVICE_NAME: "forged"}
    assert cluster.sync(many(1)) == (0, 1, 0)
    (found,) = cluster.slices.values()
    assert found["metadata"]["labels"]["team"] == "b"
    assert found["metadata"]["labels"][slices.SERVICE_NAME] == "web"


def test_a_pod_on_an_unknown_node_waits():
    plan = slices.plan(service(), many(1), [], {})
    assert plan.errors == ["skipping Pod p1 for Service ns/web: Node n1 Not Found"]
    assert plan.create[0]["endpoints"] == []
    published = slices.plan(service(publishNotReadyAddresses=True), many(1), [], {})
    assert len(published.create[0]["endpoints"]) == 1


def test_both_families_have_slices():
    dual = backend("a", "10.0.0.1")
    dual["status"]["podIPs"].append({"ip": "fd00::0:1"})
    cluster = Cluster(service(ipFamilies=["IPv4", "IPv6"]))
    cluster.sync([dual])
    found = {s["addressType"]: s["endpoints"][0]["addresses"] for s in cluster.slices.values()}
    assert found == {"IPv4": ["10.0.0.1"], "IPv6": ["fd00::1"]}
    cluster.service["spec"]["ipFamilies"] = ["IPv4"]
    cluster.sync([dual])
    assert [s["addressType"] for s in cluster.slices.values()] == ["IPv4"]


def test_a_service_made_again_gets_its_own_slices():
    cluster = Cluster(service())
    cluster.sync(many(1))
    cluster.service["metadata"]["uid"] = "another"
    cluster.sync(many(1))
    owners = [s["metadata"]["ownerReferences"][0]["uid"] for s in cluster.slices.values()]
    assert owners == ["another"]


def test_hints_follow_the_traffic_distribution():
    cluster = Cluster(service(trafficDistribution="PreferSameZone"))
    cluster.sync(many(1))
    (found,) = cluster.slices.values()
    assert found["endpoints"][0]["hints"] == {"forZones": [{"name": "z1"}]}
    assert cluster.sync(many(1)) == (0, 0, 0)
    cluster.service["spec"]["trafficDistribution"] = "PreferSameNode"
    assert cluster.sync(many(1)) == (0, 1, 0)
    (found,) = cluster.slices.values()
    assert found["endpoints"][0]["hints"] == {"forZones": [{"name": "z1"}], "forNodes": [{"name": "n1"}]}
    del cluster.service["spec"]["trafficDistribution"]
    assert cluster.sync(many(1)) == (0, 1, 0)
    (found,) = cluster.slices.values()
    assert "hints" not in found["endpoints"][0]


def test_endpoints_that_are_not_ready_keep_their_hints():
    endpoint = {"conditions": {"ready": False}, "zone": "z1"}
    assert hints.apply([endpoint], "PreferClose") == [endpoint]
