"""The proxy's loop against the real API server and the kernel: what changes there is met by clients soon after."""

import errno
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from pynetes.apis.names import ENDPOINT_SLICES, NODES, SERVICE_CIDRS, SERVICES
from pynetes.proxy import conntrack
from pynetes.testing.netns import NetworkNamespace
from tests.network.fabric import Fabric, until
from tests.proxy.peers import Pod, ask_tcp

pytestmark = pytest.mark.root

PORTS = [{"name": "t", "port": 80, "protocol": "TCP"}, {"name": "u", "port": 80, "protocol": "UDP"}]


class Site:
    """One node with two pods that serve, and one that asks."""

    def __init__(self) -> None:
        self.fabric = Fabric(nodes=1)
        (self.node,) = self.fabric.nodes
        self.fabric.register(self.node)
        self.node.start()
        until(lambda: any(self.node.cni_conf.glob("*.conflist")))
        until(lambda: "pynetes-proxy" in self.node.host.run("nft list tables").stdout)
        self.client, self.client_address = self.node.add_pod("client")
        self.a, self.b = (Pod(*self.node.add_pod(name), name=name) for name in ("a", "b"))

    def endpoints(self, *pods: Pod, **more: Any) -> list[dict[str, Any]]:
        return [{"addresses": [p.address], "nodeName": "n1", "conditions": {"ready": True}, **more} for p in pods]

    def serve(self, name: str, *pods: Pod, **spec: Any) -> str:
        """Creates a Service; its cluster IP."""
        service = self.fabric.create_service(name, PORTS, **spec)
        self.fabric.create_slice(name, PORTS, self.endpoints(*pods))
        return str(service["spec"]["clusterIP"])

    def lead_to(self, name: str, *pods: Pod) -> None:
        self.fabric.patch(ENDPOINT_SLICES, name, {"endpoints": self.endpoints(*pods)})

    def tcp(self, address: str, port: int = 80, client: NetworkNamespace | None = None) -> str:
        """The name of the pod that answers; `refused` or `lost`."""
        return (client or self.client).call(_tcp, address, port)

    def rules(self) -> str:
        return self.node.host.run("nft list table ip pynetes-proxy").stdout

    def close(self) -> None:
        for pod in (self.a, self.b):
            pod.close()
        self.fabric.close()


def _tcp(address: str, port: int) -> str:
    try:
        return ask_tcp(address, port, 1).split()[0]
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "lost"


class Flow:
    """A UDP client that keeps its port, so that the kernel takes all it sends for one flow."""

    def __init__(self, host: NetworkNamespace, address: str) -> None:
        self._socket = host.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0.3)
        self._socket.connect((address, 80))

    def ask(self) -> str:
        try:
            self._socket.send(b"?")
            return self._socket.recv(64).decode().split()[0]
        except OSError:
            return ""

    def __enter__(self) -> "Flow":
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()


def _ask_once(host: NetworkNamespace, address: str) -> str:
    with Flow(host, address) as flow:
        return flow.ask()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    try:
        yield made
        made.fabric.check()
    finally:
        made.close()


def test_endpoints_are_followed_and_a_deleted_service_is_gone(site: Site) -> None:
    address = site.serve("web", site.a)
    until(lambda: site.tcp(address) == "a")
    site.lead_to("web", site.b)
    until(lambda: site.tcp(address) == "b")
    site.lead_to("web")
    until(lambda: site.tcp(address) == "refused")
    site.lead_to("web", site.a, site.b)
    until(lambda: {site.tcp(address) for _ in range(10)} == {"a", "b"})
    site.fabric.delete(SERVICES, "web")
    until(lambda: site.tcp(address) == "lost")
    until(lambda: address not in site.rules())


def test_a_services_ports_and_type_may_change(site: Site) -> None:
    address = site.serve("moving", site.a)
    until(lambda: site.tcp(address) == "a")
    site.fabric.patch(SERVICES, "moving", {"spec": {"ports": [{**PORTS[0], "port": 81, "targetPort": 80}, PORTS[1]]}})
    until(lambda: site.tcp(address, 81) == "a")
    assert site.tcp(address, 80) == "refused"
    patched = site.fabric.patch(SERVICES, "moving", {"spec": {"type": "NodePort"}})
    node_port = patched["spec"]["ports"][0]["nodePort"]
    until(lambda: site.tcp(site.node.address, node_port, site.node.host) == "a")
    site.fabric.patch(SERVICES, "moving", {"spec": {"type": "ClusterIP", "ports": [PORTS[0]]}})
    until(lambda: site.tcp(site.node.address, node_port, site.node.host) == "refused")
    site.fabric.delete(SERVICES, "moving")


def test_udp_flows_follow_their_endpoints_and_begin_before_their_service(site: Site) -> None:
    address = "10.96.0.77"
    with Flow(site.client, address) as flow:
        assert flow.ask() == "", "nobody is there yet"
        site.serve("datagrams", site.a, clusterIP=address)
        until(lambda: flow.ask() == "a")
        site.lead_to("datagrams", site.b)
        until(lambda: flow.ask() == "b")
        ending = {"ready": False, "serving": True, "terminating": True}
        endpoints = [*site.endpoints(site.a), *site.endpoints(site.b, conditions=ending)]
        site.fabric.patch(ENDPOINT_SLICES, "datagrams", {"endpoints": endpoints})
        until(lambda: _ask_once(site.client, address) == "a")
        assert until(flow.ask) == "b", "what still serves goes on with the flows it has"
    site.fabric.delete(SERVICES, "datagrams")


def test_flows_that_the_kernel_will_not_end_do_not_end_the_proxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = threading.Event()

    def refuse(_: conntrack.Expected) -> int:
        refused.set()
        raise NetlinkError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(conntrack, "reconcile", refuse)
    address = site.serve("refused", site.a)
    until(refused.is_set)
    site.lead_to("refused", site.b)
    until(lambda: site.tcp(address) == "b")
    site.fabric.check()
    site.fabric.delete(SERVICES, "refused")


def test_affinity_lasts_as_long_as_it_is_said_and_leaves_no_chains(site: Site) -> None:
    affinity = {"clientIP": {"timeoutSeconds": 600}}
    address = site.serve("sticky", site.a, site.b, sessionAffinity="ClientIP", sessionAffinityConfig=affinity)
    first = until(lambda: (found := site.tcp(address)) in ("a", "b") and found)
    assert {site.tcp(address) for _ in range(10)} == {first}
    affinity["clientIP"]["timeoutSeconds"] = 1
    site.fabric.patch(SERVICES, "sticky", {"spec": {"sessionAffinityConfig": affinity}})
    seen = {first}

    def after_a_pause() -> bool:
        site.client.run("sleep 1.2")
        seen.add(site.tcp(address))
        return seen == {"a", "b"}

    until(after_a_pause)
    site.fabric.patch(SERVICES, "sticky", {"spec": {"sessionAffinity": "None", "sessionAffinityConfig": None}})
    until(lambda: {site.tcp(address) for _ in range(20)} == {"a", "b"})
    until(lambda: "sticky-" not in site.rules())
    until(lambda: "clients-" not in site.rules())
    site.fabric.delete(SERVICES, "sticky")


def test_source_ranges_come_and_go(site: Site) -> None:
    balanced = {"loadBalancer": {"ingress": [{"ip": "198.51.100.1", "ipMode": "VIP"}]}}
    site.serve("fenced", site.a, type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.0/24"])
    site.fabric.patch_service_status("fenced", balanced)
    until(lambda: "198.51.100.1" in site.rules())
    assert site.tcp("198.51.100.1") == "lost"
    site.fabric.patch(SERVICES, "fenced", {"spec": {"loadBalancerSourceRanges": [site.client_address + "/32"]}})
    until(lambda: site.tcp("198.51.100.1") == "a")
    site.fabric.patch(SERVICES, "fenced", {"spec": {"loadBalancerSourceRanges": None}})
    until(lambda: site.tcp("198.51.100.1", client=site.node.host) == "a")
    until(lambda: "firewall-" not in site.rules().replace("firewall-ips", ""))
    site.fabric.delete(SERVICES, "fenced")


def test_an_external_address_that_two_services_claim_goes_to_the_older_then_to_the_other(site: Site) -> None:
    site.serve("older", site.a, externalIPs=["198.51.100.2"])
    until(lambda: site.tcp("198.51.100.2") == "a")
    site.client.run("sleep 1.1")  # ages are told in seconds
    address = site.serve("younger", site.b, externalIPs=["198.51.100.2"])
    until(lambda: site.tcp(address) == "b")
    assert site.tcp("198.51.100.2") == "a"
    site.fabric.delete(SERVICES, "older")
    until(lambda: site.tcp("198.51.100.2") == "b")
    site.fabric.delete(SERVICES, "younger")
    until(lambda: site.tcp("198.51.100.2") == "lost")


def test_the_nodes_zone_decides_where_hints_lead(site: Site) -> None:
    address = site.serve("near", site.a, site.b)
    hinted = [
        *site.endpoints(site.a, hints={"forZones": [{"name": "east"}]}),
        *site.endpoints(site.b, hints={"forZones": [{"name": "west"}]}),
    ]
    site.fabric.patch(ENDPOINT_SLICES, "near", {"endpoints": hinted})
    until(lambda: {site.tcp(address) for _ in range(20)} == {"a", "b"})
    for zone, pod in (("east", "a"), ("west", "b")):
        site.fabric.patch(NODES, "n1", {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}}, None)
        until(lambda pod=pod: {site.tcp(address) for _ in range(20)} == {pod})  # type: ignore[misc]
    site.fabric.delete(SERVICES, "near")


def test_ranges_of_services_that_are_added_lead_nowhere_else_either(site: Site) -> None:
    until(lambda: "ip daddr 10.96.0.0/12 drop" in site.rules())
    more = {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.200.0.0/16"]}}
    site.fabric.create(SERVICE_CIDRS, {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", **more})
    until(lambda: "ip daddr { 10.96.0.0/12, 10.200.0.0/16 } drop" in site.rules())


def test_a_table_that_somebody_took_away_is_written_anew(site: Site) -> None:
    address = site.serve("kept", site.a)
    until(lambda: site.tcp(address) == "a")
    site.node.host.run("nft delete table ip pynetes-proxy")
    site.lead_to("kept", site.b)
    until(lambda: site.tcp(address) == "b")
    site.fabric.delete(SERVICES, "kept")


def test_a_proxy_that_starts_again_serves_what_has_changed_meanwhile(site: Site) -> None:
    address = site.serve("restarted", site.a)
    until(lambda: site.tcp(address) == "a")
    with Flow(site.client, address) as flow:
        assert until(flow.ask) == "a"
        site.node.stop()
        assert site.tcp(address) == "a", "the rules stay"
        site.lead_to("restarted", site.b)
        site.node.start()
        until(lambda: site.tcp(address) == "b")
        until(lambda: flow.ask() == "b")
    site.fabric.delete(SERVICES, "restarted")
