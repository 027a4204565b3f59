"""The pure decisions of the cloud controllers, by table."""

from typing import Any

import pytest
from cloud_cluster import documented_provider

from pynetes.cloud import rights
from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.cloud.controllers import nodechanges, nodelifecycle, nodepredicates, routeplan, servicechanges
from pynetes.cloud.interface import CloudProvider, InstanceMetadata, Route
from pynetes.cloud.providers import ProviderError, load, names
from pynetes.cloud.registry import CONTROLLERS, enabled

Object = dict[str, Any]


def node(name: str = "n1", **parts: Any) -> Object:
    return {"metadata": {"name": name, **parts.pop("metadata", {})}, **parts}


def service(finalizers: tuple[str, ...] = (), deleting: bool = False, **spec: Any) -> Object:
    metadata: Object = {"name": "web", "namespace": "default", "uid": "u", "finalizers": list(finalizers)}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec}}


@pytest.mark.parametrize(
    ("value", "included"), [(None, True), ("", False), ("true", False), ("false", True), ("0", True), ("what", False)]
)
def test_the_exclusion_label_excludes_unless_it_says_false(value: str | None, included: bool) -> None:
    labels = {} if value is None else {nodepredicates.EXCLUDE_LABEL: value}
    assert nodepredicates.is_included(node(metadata={"labels": labels})) is included


def test_nodes_about_to_go_are_no_backends() -> None:
    assert nodepredicates.is_backend(node())
    taint = {"key": nodepredicates.TO_BE_DELETED_TAINT, "effect": "NoSchedule"}
    assert not nodepredicates.is_backend(node(spec={"taints": [taint]}))
    assert not nodepredicates.is_backend(node(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))


@pytest.mark.parametrize(
    ("made", "wants", "cleanup"),
    [
        (service(), True, False),
        (service(loadBalancerClass="other"), False, False),
        (service(loadBalancerClass="own"), True, False),
        (service(type="ClusterIP"), False, False),
        (service((servicechanges.FINALIZER,)), True, False),
        (service((servicechanges.FINALIZER,), deleting=True), True, True),
        (service((servicechanges.FINALIZER,), type="ClusterIP"), False, True),
        (service(("other",), deleting=True), True, False),
    ],
)
def test_who_gets_a_balancer_and_who_is_cleaned_up(made: Object, wants: bool, cleanup: bool) -> None:
    assert servicechanges.wants_load_balancer(made, "own") is wants
    assert servicechanges.needs_cleanup(made) is cleanup


@pytest.mark.parametrize(
    ("old", "new", "needed"),
    [
        ({}, {}, False),
        ({}, {"selector": {"app": "web"}}, False),
        ({"type": "ClusterIP"}, {"type": "NodePort"}, False),
        ({"type": "ClusterIP"}, {}, True),
        ({}, {"ports": [{"port": 81}]}, True),
        ({}, {"ports": [{"port": 80, "nodePort": 30000}]}, True),
        ({}, {"sessionAffinity": "ClientIP"}, True),
        ({}, {"loadBalancerIP": "192.0.2.1"}, True),
        ({}, {"loadBalancerSourceRanges": ["10.0.0.0/8"]}, True),
        ({}, {"loadBalancerSourceRanges": []}, False),
        ({}, {"externalIPs": ["192.0.2.1"]}, True),
        ({}, {"externalTrafficPolicy": "Local"}, True),
        ({"ipFamilies": ["IPv4"]}, {"ipFamilies": ["IPv4", "IPv6"]}, True),
    ],
)
def test_which_changes_concern_the_balancer(old: Object, new: Object, needed: bool) -> None:
    assert servicechanges.needs_update(service(**old), service(**new)) is needed


def test_a_service_made_anew_or_annotated_otherwise_is_looked_at_again() -> None:
    other, annotated = service(), service()
    other["metadata"]["uid"] = "v"
    annotated["metadata"]["annotations"] = {"a": "b"}
    assert servicechanges.needs_update(service(), other)
    assert servicechanges.needs_update(service(), annotated)


def test_many_node_names_are_cut_short() -> None:
    assert servicechanges.loggable_names([node("b"), node("a")]) == "[a b]"
    assert servicechanges.loggable_names([node(f"n{i:02}") for i in range(25)]).endswith("n19 <5 more>]")


IP = {"type": "InternalIP", "address": "10.0.0.1"}
IP2 = {"type": "InternalIP", "address": "10.0.0.2"}
EXTERNAL = {"type": "ExternalIP", "address": "192.0.2.1"}
HOST = {"type": "Hostname", "address": "n1"}


@pytest.mark.parametrize(
    ("current", "provided", "given", "wanted"),
    [
        ([IP, HOST], None, [], []),
        ([HOST], None, [IP], [IP, HOST]),
        ([HOST], None, [IP, {"type": "Hostname", "address": "c1"}], [IP, {"type": "Hostname", "address": "c1"}]),
        ([], "10.0.0.2", [IP, IP2, EXTERNAL], [IP2, EXTERNAL]),
        ([HOST], "192.0.2.1", [IP, EXTERNAL], [EXTERNAL, IP, HOST]),
    ],
)
def test_addresses_of_the_cloud_and_of_the_kubelet_are_joined(
    current: list[Object], provided: str | None, given: list[Object], wanted: list[Object]
) -> None:
    annotations = {nodechanges.PROVIDED_NODE_IP: provided} if provided else {}
    made = node(metadata={"annotations": annotations}, status={"addresses": current})
    assert nodechanges.addresses_for(made, given) == wanted


@pytest.mark.parametrize("provided", ["10.9.9.9", "what"])
def test_a_provided_address_that_the_cloud_does_not_know_is_refused(provided: str) -> None:
    made = node(metadata={"annotations": {nodechanges.PROVIDED_NODE_IP: provided}})
    with pytest.raises(ValueError, match="node"):
        nodechanges.initialized(made, InstanceMetadata("x://1", addresses=[IP]))


def test_initializing_keeps_an_id_and_labels_that_are_there() -> None:
    made = node(metadata={"labels": {"rack": "1"}}, spec={"providerID": "old"})
    labels = {"rack": "2", "row": "3", "x.kubernetes.io/own": "no", "k8s.io/own": "no"}
    new = nodechanges.initialized(made, InstanceMetadata("new", labels=labels))
    assert new["spec"]["providerID"] == "old"
    assert new["metadata"]["labels"] == {"rack": "1", "row": "3"}
    assert made["metadata"]["labels"] == {"rack": "1"}


def test_the_shutdown_taint_is_written_only_when_it_must_be() -> None:
    plain, other = node(), {"key": "own", "effect": "NoExecute"}
    tainted = node(spec={"taints": [other, dict(nodelifecycle.SHUTDOWN_TAINT)]})
    assert nodelifecycle.taints_with_shutdown(plain, False) is None
    assert nodelifecycle.taints_with_shutdown(plain, True) == [nodelifecycle.SHUTDOWN_TAINT]
    assert nodelifecycle.taints_with_shutdown(tainted, True) is None
    assert nodelifecycle.taints_with_shutdown(tainted, False) == [other]


def test_routes_that_fit_stay_and_foreign_ones_are_not_touched() -> None:
    addresses = (("InternalIP", "10.0.0.1"),)
    one = node(spec={"podCIDRs": ["10.244.1.0/24"]}, status={"addresses": [IP]})
    fits = Route("10.244.1.0/24", "n1", target_addresses=addresses)
    moved = Route("10.244.1.0/24", "n1", target_addresses=(("InternalIP", "10.0.0.9"),))
    by_name, hole = Route("10.244.1.0/24", "n1"), Route("10.244.1.0/24", "n1", blackhole=True)
    foreign, odd = Route("192.0.2.0/24", "x"), Route("no range", "x")
    for kept in (fits, by_name):
        plan = routeplan.plan([one], [kept, foreign, odd], ["10.244.0.0/16"])
        assert (plan.create, plan.delete, plan.complete) == ([], [], {"n1": True})
    for wrong in (moved, hole, Route("10.244.1.0/24", "n2")):
        plan = routeplan.plan([one], [wrong], ["10.244.0.0/16"])
        assert (plan.create, plan.delete) == ([(one, fits)], [wrong])


def test_controllers_without_means_do_not_start_and_old_names_are_taken() -> None:
    class Bare(CloudProvider):
        name = "bare"

    local = load("local", "pools: []")
    routes = CloudControllerManagerConfig(cluster_cidr="10.244.0.0/16")
    nodes = ["cloud-node-controller", "cloud-node-lifecycle-controller"]
    assert enabled(routes, Bare()) == []
    assert enabled(routes, local) == [*nodes, "service-lb-controller", "address-pool-controller"]
    assert enabled(CloudControllerManagerConfig(("*", "-service", "-address-pool-controller")), local) == nodes
    with pytest.raises(ValueError, match='"nodes" is not in the list of known controllers'):
        enabled(CloudControllerManagerConfig(("nodes",)), local)


def test_a_providers_own_controllers_are_switched_as_upstreams_are() -> None:
    acme = documented_provider("AcmeCloudWithFirewalls")
    own = "acme-firewall-controller"
    everything = enabled(CloudControllerManagerConfig(), acme)
    assert everything == [*(name for name in CONTROLLERS if name != "node-route-controller"), own]
    assert enabled(CloudControllerManagerConfig(("*", f"-{own}")), acme) == everything[:-1]
    assert enabled(CloudControllerManagerConfig((own,)), acme) == [own]
    acme.controllers = {"service-lb-controller": acme.controllers[own]}
    with pytest.raises(ValueError, match="acme has a controller of upstream's name: service-lb-controller"):
        enabled(CloudControllerManagerConfig(), acme)


def test_rights_name_the_providers_definitions() -> None:
    rules = rights.rules(documented_provider("AcmeCloudWithFirewalls"))
    own = [rule for rule in rules if rule["resources"] == ["customresourcedefinitions"]]
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in own] == [
        (["create"], None),
        (["get", "patch"], ["firewalls.acme.example"]),
    ]
    assert rights.rules(documented_provider()) == [rule for rule in rules if "acme.example" not in str(rule)][:-1]


def test_an_unknown_provider_or_configuration_is_told() -> None:
    assert "local" in names()
    with pytest.raises(ProviderError, match=r"unknown cloud provider 'nowhere'; installed are: .*local"):
        load("nowhere")
    with pytest.raises(ProviderError, match="cloud provider local: the cloud configuration is none"):
        load("local", "pools: 3")
