"""Which endpoints traffic to a Service may reach."""

from typing import Any

import pytest

from pynetes.proxy.endpoints import Endpoint
from pynetes.proxy.node import ThisNode
from pynetes.proxy.services import HealthCheck, health_check, service_ports

NODE = "here"
THIS = ThisNode(NODE, zone="z1", address="192.0.2.77")


def service(**spec: Any) -> dict[str, Any]:
    base = {"clusterIP": "10.96.0.10", "ports": [{"name": "web", "port": 80, "protocol": "TCP"}]}
    return {"metadata": {"namespace": "ns", "name": "svc"}, "spec": {**base, **spec}}


def slice_(*endpoints: dict[str, Any], ports: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    ports = ports or [{"name": "web", "port": 8080, "protocol": "TCP"}]
    labels = {"kubernetes.io/service-name": "svc"}
    return {
        "metadata": {"labels": labels},
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": list(endpoints),
    } | fields


def endpoint(ip: str, node: str = "there", **conditions: bool) -> dict[str, Any]:
    return {"addresses": [ip], "nodeName": node, "conditions": conditions}


A, B = Endpoint("10.244.0.1", 8080), Endpoint("10.244.0.2", 8080)


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        pytest.param([endpoint(A.ip, ready=True), endpoint(B.ip, ready=False)], (A,), id="only ready ones"),
        pytest.param([endpoint(A.ip), endpoint(B.ip)], (A, B), id="unknown readiness counts as ready"),
        pytest.param(
            [endpoint(A.ip, ready=False, serving=True, terminating=True), endpoint(B.ip, ready=True)],
            (B,),
            id="terminating ones step back while any is ready",
        ),
        pytest.param(
            [endpoint(A.ip, ready=False, serving=True, terminating=True), endpoint(B.ip, ready=False, serving=False)],
            (A,),
            id="terminating ones serve when nothing else does",
        ),
        pytest.param([], (), id="none"),
    ],
)
def test_ready_endpoints_serve_and_terminating_ones_when_there_is_no_other(
    endpoints: list[dict[str, Any]], expected: tuple[Endpoint, ...]
) -> None:
    (port,) = service_ports(service(), [slice_(*endpoints)], THIS)
    assert port.internal == expected
    assert port.external == expected


def test_policy_local_takes_endpoints_of_this_node_alone() -> None:
    slices = [slice_(endpoint(A.ip, NODE, ready=True), endpoint(B.ip, "there", ready=True))]
    here = Endpoint(A.ip, 8080, local=True)
    (outside,) = service_ports(service(externalTrafficPolicy="Local"), slices, THIS)
    assert (outside.internal, outside.external, outside.external_local) == ((here, B), (here,), True)
    (inside,) = service_ports(service(internalTrafficPolicy="Local"), slices, THIS)
    assert (inside.internal, inside.external) == ((here,), (here, B))


def test_ports_are_matched_by_name_and_protocol_over_all_slices() -> None:
    dns = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    slices = [
        slice_(endpoint("10.244.0.1"), ports=[{"name": "dns", "port": 5353, "protocol": "UDP"}]),
        slice_(endpoint("10.244.0.2"), ports=[{"name": "dns-tcp", "port": 5354, "protocol": "TCP"}]),
        slice_(endpoint("10.244.0.3"), ports=[{"name": "dns", "port": 5355, "protocol": "UDP"}]),
        slice_(endpoint("fd00::1"), ports=[{"name": "dns", "port": 53, "protocol": "UDP"}], addressType="IPv6"),
    ]
    udp, tcp = service_ports(service(ports=dns), slices, THIS)
    assert udp.internal == (Endpoint("10.244.0.1", 5353), Endpoint("10.244.0.3", 5355))
    assert tcp.internal == (Endpoint("10.244.0.2", 5354),)


@pytest.mark.parametrize(
    "other",
    [
        service(clusterIP="None"),
        service(type="ExternalName", clusterIP=""),
        {**service(), "metadata": {"name": "svc", "labels": {"service.kubernetes.io/service-proxy-name": "other"}}},
    ],
    ids=["headless", "external name", "another proxy's"],
)
def test_services_without_an_address_of_ours_are_left_alone(other: dict[str, Any]) -> None:
    assert service_ports(other, [slice_(endpoint(A.ip))], THIS) == []


def test_addresses_from_outside_are_external_ips_and_load_balancers() -> None:
    balanced = service(externalIPs=["192.0.2.1", "2001:db8::1"])
    balanced["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}, {"ip": "192.0.2.8", "ipMode": "Proxy"}]}}
    (port,) = service_ports(balanced, [slice_(endpoint(A.ip))], THIS)
    assert (port.external_ips, port.load_balancer_ips) == (("192.0.2.1",), ("192.0.2.9",))
    assert port.addresses == ("10.96.0.10", "192.0.2.1", "192.0.2.9")


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        pytest.param([], (), id="none is anyone"),
        pytest.param(
            [" 198.51.100.0/24 ", "198.51.100.0/25", "2001:db8::/32"], ("198.51.100.0/24",), id="IPv4, merged"
        ),
        pytest.param(["198.51.100.0/24", "0.0.0.0/0"], (), id="all is anyone"),
        pytest.param(["192.0.2.64/26"], ("192.0.2.64/26", "192.0.2.9"), id="this node may, so its own address may"),
    ],
)
def test_source_ranges(ranges: list[str], expected: tuple[str, ...]) -> None:
    balanced = service(loadBalancerSourceRanges=ranges)
    balanced["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}
    (port,) = service_ports(balanced, [], THIS)
    assert port.source_ranges == expected


def hinted(ip: str, *, zone: str = "", node: str = "", ready: bool = True) -> dict[str, Any]:
    hints = {"forZones": [{"name": zone}]} if zone else {}
    return endpoint(ip, ready=ready) | {"hints": hints | ({"forNodes": [{"name": node}]} if node else {})}


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        pytest.param([hinted(A.ip, zone="z1"), hinted(B.ip, zone="z2")], (A,), id="this zone's"),
        pytest.param([hinted(A.ip, zone="z2"), hinted(B.ip, zone="z3")], (A, B), id="none for this zone: all"),
        pytest.param([hinted(A.ip, zone="z1"), hinted(B.ip)], (A, B), id="one without a hint: all"),
        pytest.param(
            [hinted(A.ip, zone="z1"), hinted(B.ip, ready=False)], (A,), id="hints of those that are not ready are moot"
        ),
        pytest.param(
            [hinted(A.ip, zone="z1", node="there"), hinted(B.ip, zone="z1", node=NODE)], (B,), id="this node's first"
        ),
        pytest.param(
            [hinted(A.ip, zone="z1", node="there"), hinted(B.ip, zone="z2", node="there")],
            (A,),
            id="none on this node: its zone's",
        ),
    ],
)
def test_topology_hints_prefer_what_is_near(endpoints: list[dict[str, Any]], expected: tuple[Endpoint, ...]) -> None:
    (port,) = service_ports(service(), [slice_(*endpoints)], THIS)
    assert port.cluster == expected


def test_topology_has_no_say_over_policy_local() -> None:
    here = hinted(A.ip, zone="z2") | {"nodeName": NODE}
    (port,) = service_ports(service(internalTrafficPolicy="Local"), [slice_(here, hinted(B.ip, zone="z1"))], THIS)
    assert (port.internal, port.cluster) == ((Endpoint(A.ip, 8080, local=True),), (B,))


def test_of_two_that_claim_an_address_the_one_that_stays_counts() -> None:
    ending = endpoint(A.ip, ready=False, serving=True, terminating=True)
    for order in ((ending, endpoint(A.ip, ready=True)), (endpoint(A.ip, ready=True), ending)):
        (port,) = service_ports(service(), [slice_(one) for one in order], THIS)
        assert port.cluster == (A,)


def test_flows_may_go_on_to_all_that_serve() -> None:
    udp = service(ports=[{"name": "web", "port": 80, "protocol": "UDP"}])
    ports = [{"name": "web", "port": 8080, "protocol": "UDP"}]
    ending = endpoint(A.ip, ready=False, serving=True, terminating=True)
    dead = endpoint("10.244.0.3", ready=False, serving=False)
    (port,) = service_ports(udp, [slice_(ending, endpoint(B.ip, ready=True), dead, ports=ports)], THIS)
    assert port.cluster == (B,)
    assert port.serving == {(A.ip, 8080), (B.ip, 8080)}


def test_load_balancers_that_stay_on_a_node_have_a_health_check() -> None:
    balanced = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=30001)
    two_ports = [{"name": "web", "port": 8080, "protocol": "TCP"}, {"name": "tls", "port": 8443, "protocol": "TCP"}]
    slices = [
        slice_(endpoint(A.ip, NODE, ready=True), endpoint(B.ip, ready=True), ports=two_ports),
        slice_(endpoint("10.244.0.9", NODE, ready=False, serving=True, terminating=True)),
    ]
    assert health_check(balanced, slices, THIS) == HealthCheck(30001, 1)
    assert health_check(service(type="LoadBalancer"), slices, THIS) is None
