"""What the proxy's flags mean for its rules, and which are refused."""

import pytest

from pynetes.proxy.config import ProxyConfig, bind_address
from pynetes.proxy.node import ThisNode, service_ranges, this_node

NODE = ThisNode("here", address="192.0.2.1", pod_cidr="10.244.1.0/24")


@pytest.mark.parametrize(
    ("settings", "pods"),
    [
        ({"cluster_cidr": "10.244.0.0/16"}, "ip saddr 10.244.0.0/16"),
        ({"cluster_cidr": "fd00::/48,10.244.0.0/16"}, "ip saddr 10.244.0.0/16"),
        ({}, ""),
        ({"detect_local_mode": "NodeCIDR"}, "ip saddr 10.244.1.0/24"),
        ({"detect_local_mode": "BridgeInterface", "pod_bridge_interface": "cni0"}, 'iifname "cni0"'),
        ({"detect_local_mode": "InterfaceNamePrefix", "pod_interface_name_prefix": "veth"}, 'iifname "veth*"'),
    ],
)
def test_a_pods_packet_is_told_by_range_or_interface(settings: dict[str, str], pods: str) -> None:
    frame = ProxyConfig("here", **settings).frame(NODE, ())  # type: ignore[arg-type]
    assert frame.pods == pods
    assert bool(frame.not_pods) == bool(pods)


@pytest.mark.parametrize(
    ("addresses", "rule"),
    [
        ((), "fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @node-ports"),
        (("primary",), "ip daddr { 192.0.2.1/32 } meta l4proto . th dport vmap @node-ports"),
        (("192.0.2.0/24", "fd00::/64"), "ip daddr { 192.0.2.0/24 } meta l4proto . th dport vmap @node-ports"),
    ],
)
def test_node_ports_are_served_where_it_is_said(addresses: tuple[str, ...], rule: str) -> None:
    assert rule in ProxyConfig("here", nodeport_addresses=addresses).frame(NODE, ()).text()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detect_local_mode": "Guess"}, "must be one of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix"),
        ({"nodeport_addresses": ("primary", "192.0.2.0/24")}, "can't use both 'primary' and CIDRs"),
        ({"nodeport_addresses": ("nonsense",)}, "'nonsense' must be a valid CIDR"),
        ({"healthz_bind_address": "10256"}, "is no address with a port"),
        ({"metrics_bind_address": "example.com:80"}, "'example.com' does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProxyConfig("here", **settings)  # type: ignore[arg-type]


def test_addresses_to_serve_at() -> None:
    assert bind_address("[::1]:80") == ("::1", 80)
    assert bind_address(":80") == ("", 80)


def test_what_is_known_of_the_node_and_the_services_ranges() -> None:
    node = {
        "metadata": {"name": "here", "labels": {"topology.kubernetes.io/zone": "z1"}},
        "spec": {"podCIDR": "10.244.1.0/24"},
        "status": {
            "addresses": [
                {"type": "ExternalIP", "address": "203.0.113.1"},
                {"type": "InternalIP", "address": "fd00::1"},
                {"type": "InternalIP", "address": "192.0.2.1"},
            ]
        },
    }
    assert this_node("here", node) == ThisNode("here", "z1", "192.0.2.1", "10.244.1.0/24")
    assert this_node("here", None) == ThisNode("here")
    cidrs = [{"spec": {"cidrs": ["10.96.0.0/12", "fd00::/108"]}}, {"spec": {"cidrs": ["10.112.0.0/16"]}}]
    assert service_ranges(cidrs) == ("10.112.0.0/16", "10.96.0.0/12")
