"""Which endpoints traffic to a Service may reach."""

from typing import Any

import pytest

from pynetes.proxy.services import Endpoint, service_ports

NODE = "here"


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
    (port,) = service_ports(service(), [slice_(*endpoints)], node_name=NODE)
    assert port.internal == expected
    assert port.external == expected


def test_policy_local_takes_endpoints_of_this_node_alone() -> None:
    slices = [slice_(endpoint(A.ip, NODE, ready=True), endpoint(B.ip, "there", ready=True))]
    here = Endpoint(A.ip, 8080, local=True)
    (outside,) = service_ports(service(externalTrafficPolicy="Local"), slices, node_name=NODE)
    assert (outside.internal, outside.external, outside.external_local) == ((here, B), (here,), True)
    (inside,) = service_ports(service(internalTrafficPolicy="Local"), slices, node_name=NODE)
    assert (inside.internal, inside.external) == ((here,), (here, B))


def test_ports_are_matched_by_name_and_protocol_over_all_slices() -> None:
    dns = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    slices = [
        slice_(endpoint("10.244.0.1"), ports=[{"name": "dns", "port": 5353, "protocol": "UDP"}]),
        slice_(endpoint("10.244.0.2"), ports=[{"name": "dns-tcp", "port": 5354, "protocol": "TCP"}]),
        slice_(endpoint("10.244.0.3"), ports=[{"name": "dns", "port": 5355, "protocol": "UDP"}]),
        slice_(endpoint("fd00::1"), ports=[{"name": "dns", "port": 53, "protocol": "UDP"}], addressType="IPv6"),
    ]
    udp, tcp = service_ports(service(ports=dns), slices, node_name=NODE)
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
    assert service_ports(other, [slice_(endpoint(A.ip))], node_name=NODE) == []


def test_addresses_from_outside_are_external_ips_and_load_balancers() -> None:
    balanced = service(externalIPs=["192.0.2.1", "2001:db8::1"])
    balanced["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}, {"ip": "192.0.2.8", "ipMode": "Proxy"}]}}
    (port,) = service_ports(balanced, [slice_(endpoint(A.ip))], node_name=NODE)
    assert port.external_ips == ("192.0.2.1", "192.0.2.9")
