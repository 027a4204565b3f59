"""Kind of Service by traffic policy by protocol by where the client is: who reaches the pod, and what address it sees.

Two nodes with strict reverse-path filters, real pods, the real proxy, pod network and API server on each (see
`tests.network.fabric`); real peers of TCP, UDP and SCTP. The one pod that serves is on n1. Clients:

    self    the pod itself            pod-1, pod-2    other pods, on n1 and on n2
    host-1, host-2  the nodes         out-1, out-2    machines outside, whose way to Service addresses is n1, n2

What is expected is written as the source address that the pod sees (`gw`: n1's bridge, `n2`: the node's address, `own`:
the client's), `refused` or `lost`. Node ports are asked for at both nodes.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from pynetes.testing.netns import NetworkNamespace
from tests.network.fabric import Fabric, Node, until
from tests.proxy.peers import ASK, PORT, Pod

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]

PROTOCOLS = ("TCP", "UDP", "SCTP")

#: Seconds. What answers does so within milliseconds, but on a busy machine it may take a while, or a second try.
SILENCE, PATIENCE = 0.4, (2.0, 10.0, 30.0)

OWN, GW, N2, REFUSED, LOST = "own", "gw", "n2", "refused", "lost"

Expected = dict[str, str]


def clients(self: str, pod_1: str, pod_2: str, host_1: str, host_2: str, out_1: str, out_2: str) -> Expected:
    names = ("self", "pod-1", "pod-2", "host-1", "host-2", "out-1", "out-2")
    return dict(zip(names, (self, pod_1, pod_2, host_1, host_2, out_1, out_2), strict=True))


#: An address → what its clients meet. Addresses: the cluster IP, an external IP, a load balancer's, ports of the nodes.
ROWS: dict[str, tuple[dict[str, Any], dict[str, Expected]]] = {
    "cluster": (
        {},
        {
            "cluster-ip": clients(GW, OWN, OWN, GW, N2, GW, N2),
            "external-ip": clients(GW, GW, N2, GW, N2, GW, N2),
            "load-balancer": clients(GW, GW, N2, GW, N2, GW, N2),
            "node-port at n1": clients(GW, GW, GW, GW, GW, GW, GW),
            "node-port at n2": clients(N2, N2, N2, N2, N2, N2, N2),
        },
    ),
    # Pods and nodes are inside: they reach every endpoint. A pod's packet to the other node bears its own node's
    # address, and counts as outside there.
    "external-local": (
        {"externalTrafficPolicy": "Local"},
        {
            "cluster-ip": clients(GW, OWN, OWN, GW, N2, GW, N2),
            "external-ip": clients(GW, OWN, OWN, GW, N2, OWN, LOST),
            "load-balancer": clients(GW, OWN, OWN, GW, N2, OWN, LOST),
            "node-port at n1": clients(GW, OWN, N2, GW, N2, OWN, OWN),
            "node-port at n2": clients(LOST, LOST, OWN, LOST, N2, LOST, LOST),
        },
    ),
    "internal-local": (
        {"internalTrafficPolicy": "Local"},
        {
            "cluster-ip": clients(GW, OWN, LOST, GW, LOST, GW, LOST),
            "external-ip": clients(GW, GW, N2, GW, N2, GW, N2),
            "load-balancer": clients(GW, GW, N2, GW, N2, GW, N2),
            "node-port at n1": clients(GW, GW, GW, GW, GW, GW, GW),
            "node-port at n2": clients(N2, N2, N2, N2, N2, N2, N2),
        },
    ),
    # The same with session affinity, whose rules are others.
    "affinity": (
        {"sessionAffinity": "ClientIP"},
        {
            "cluster-ip": clients(GW, OWN, OWN, GW, N2, GW, N2),
            "load-balancer": clients(GW, GW, N2, GW, N2, GW, N2),
            "node-port at n2": clients(N2, N2, N2, N2, N2, N2, N2),
        },
    ),
    "affinity-local": (
        {"sessionAffinity": "ClientIP", "externalTrafficPolicy": "Local"},
        {
            "load-balancer": clients(GW, OWN, OWN, GW, N2, OWN, LOST),
            "node-port at n1": clients(GW, OWN, N2, GW, N2, OWN, OWN),
            "node-port at n2": clients(LOST, LOST, OWN, LOST, N2, LOST, LOST),
        },
    ),
    "nobody": (
        {},
        {
            "cluster-ip": clients(*[REFUSED] * 7),
            "external-ip": clients(*[REFUSED] * 7),
            "load-balancer": clients(*[REFUSED] * 7),
            "node-port at n1": clients(*[REFUSED] * 7),
            "node-port at n2": clients(*[REFUSED] * 7),
        },
    ),
    "nobody-local": (
        {"externalTrafficPolicy": "Local", "internalTrafficPolicy": "Local"},
        {
            "cluster-ip": clients(*[REFUSED] * 7),
            "external-ip": clients(*[REFUSED] * 7),
            "node-port at n1": clients(*[REFUSED] * 7),
        },
    ),
    # Only out-1 may use the load balancer; nothing is said of the other addresses.
    "ranges": (
        {"loadBalancerSourceRanges": ["192.0.2.101/32"]},
        {
            "load-balancer": clients(LOST, LOST, LOST, LOST, LOST, GW, LOST),
            "external-ip": clients(GW, GW, N2, GW, N2, GW, N2),
            "cluster-ip": clients(GW, OWN, OWN, GW, N2, GW, N2),
            "node-port at n2": clients(N2, N2, N2, N2, N2, N2, N2),
        },
    ),
}


@dataclass(frozen=True)
class Client:
    host: NetworkNamespace
    address: str

    def meets(self, protocol: str, address: str, port: int, *, hopeful: bool = True) -> str:
        """The source address that the pod saw, `refused`, or `lost`; who has no hope waits once, and not long."""
        for seconds in PATIENCE if hopeful else (SILENCE,):
            try:
                answer = self.host.call(ASK[protocol], address, port, seconds)
                return answer.split()[1]
            except ConnectionRefusedError:
                return REFUSED
            except TimeoutError:
                continue
        return LOST


@dataclass(frozen=True)
class Cluster:
    fabric: Fabric
    clients: dict[str, Client]
    services: dict[str, dict[str, Any]]

    @property
    def nodes(self) -> list[Node]:
        return self.fabric.nodes

    def target(self, service: str, at: str, protocol: str) -> tuple[str, int]:
        spec = self.services[service]["spec"]
        if at.startswith("node-port"):
            number = next(port["nodePort"] for port in spec["ports"] if port["protocol"] == protocol)
            return next(node.address for node in self.nodes if at.endswith(node.name)), number
        return {"cluster-ip": spec["clusterIP"], **ADDRESSES[service]}[at], PORT

    def seen(self, client: str, expected: str) -> str:
        """What an expectation means as an address."""
        return {OWN: self.clients[client].address, GW: self.nodes[0].gateway, N2: self.nodes[1].address}.get(
            expected, expected
        )


#: External IPs and load balancers' addresses, outside of the link: every machine outside has its own way to them.
ADDRESSES = {
    name: {"external-ip": f"198.51.100.{number}", "load-balancer": f"198.51.100.{100 + number}"}
    for number, name in enumerate(ROWS, 1)
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    fabric = Fabric()
    pod: Pod | None = None
    try:
        one, two = fabric.nodes
        for node in fabric.nodes:
            fabric.register(node)
            node.start()
        until(lambda: all(any(node.cni_conf.glob("*.conflist")) for node in fabric.nodes))
        backend = one.add_pod("backend")
        pod = Pod(*backend)
        found = {
            "self": Client(*backend),
            "pod-1": Client(*one.add_pod("pod-1")),
            "pod-2": Client(*two.add_pod("pod-2")),
            "host-1": Client(one.host, one.address),
            "host-2": Client(two.host, two.address),
        }
        for node in fabric.nodes:
            host = fabric.add_client(f"out-{node.number}", f"192.0.2.{100 + node.number}")
            for range_ in ("10.96.0.0/12", "198.51.100.0/24"):
                host.run(f"ip route add {range_} via {node.address}")
            found[f"out-{node.number}"] = Client(host, f"192.0.2.{100 + node.number}")
        made = Cluster(fabric, found, {name: _create(fabric, name, backend[1]) for name in ROWS})
        _wait_until_served(made)
        yield made
        fabric.check()
    finally:
        if pod is not None:
            pod.close()
        fabric.close()


def _create(fabric: Fabric, name: str, backend: str) -> dict[str, Any]:
    ports = [{"name": protocol.lower(), "port": PORT, "protocol": protocol} for protocol in PROTOCOLS]
    addresses, spec = ADDRESSES[name], ROWS[name][0]
    service = fabric.create_service(name, ports, type="LoadBalancer", externalIPs=[addresses["external-ip"]], **spec)
    endpoints = [] if name.startswith("nobody") else [_endpoint(backend)]
    fabric.create_slice(name, ports, endpoints)
    status = {"loadBalancer": {"ingress": [{"ip": addresses["load-balancer"], "ipMode": "VIP"}]}}
    fabric.patch_service_status(name, status)
    return service


def _endpoint(address: str) -> dict[str, Any]:
    conditions = {"ready": True, "serving": True, "terminating": False}
    return {"addresses": [address], "nodeName": "n1", "conditions": conditions}


def _wait_until_served(cluster: Cluster) -> None:
    """The last Service's status is the last change of all Services, its slice that of all slices."""
    last = list(ROWS)[-1]
    shown = {
        "firewall-ips": ADDRESSES[last]["load-balancer"],
        "service-ips": cluster.services[last]["spec"]["clusterIP"],
    }
    for node in cluster.nodes:
        for name, address in shown.items():
            command = f"nft list map ip pynetes-proxy {name}"
            until(lambda node=node, ip=address, command=command: ip in node.host.run(command).stdout)  # type: ignore[misc]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("service", ROWS)
def test_every_client_meets_what_the_policy_says(cluster: Cluster, service: str, protocol: str) -> None:
    expected = {
        (at, client): cluster.seen(client, what) for at, row in ROWS[service][1].items() for client, what in row.items()
    }

    def walk(cell: tuple[str, str]) -> str:
        at, client = cell
        target = cluster.target(service, at, protocol)
        return cluster.clients[client].meets(protocol, *target, hopeful=expected[cell] != LOST)

    with ThreadPoolExecutor(len(expected)) as pool:
        met = dict(zip(expected, pool.map(walk, expected), strict=True))
    assert met == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_pods_own_address_is_reached_without_translation(cluster: Cluster, protocol: str) -> None:
    """What a headless Service's name stands for."""
    address = cluster.clients["self"].address
    expected = {"pod-1": OWN, "pod-2": OWN, "host-1": GW, "host-2": N2}
    met = {name: cluster.clients[name].meets(protocol, address, PORT) for name in expected}
    assert met == {name: cluster.seen(name, what) for name, what in expected.items()}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_port_that_no_service_has_is_refused_and_an_address_that_none_has_is_lost(
    cluster: Cluster, protocol: str
) -> None:
    taken = cluster.services["cluster"]["spec"]["clusterIP"]
    free = "10.96.0.33"  # of those that are kept for whoever asks for one
    assert free not in {service["spec"]["clusterIP"] for service in cluster.services.values()}
    for client in cluster.clients.values():
        assert client.meets(protocol, taken, 4711) == REFUSED
    with ThreadPoolExecutor(len(cluster.clients)) as pool:
        met = pool.map(lambda client: client.meets(protocol, free, PORT, hopeful=False), cluster.clients.values())
        assert set(met) == {LOST}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_endpoint_may_be_a_node_itself(cluster: Cluster, protocol: str) -> None:
    """A pod on the host's network, as the API server is one for the Service `kubernetes`."""
    one = cluster.nodes[0]
    ports = [{"name": "p", "port": PORT, "protocol": protocol}]
    name = f"host-{protocol.lower()}"
    address = cluster.fabric.create_service(name, ports)["spec"]["clusterIP"]
    cluster.fabric.create_slice(name, ports, [_endpoint(one.address)])
    for node in cluster.nodes:
        until(lambda node=node: address in node.host.run("nft list map ip pynetes-proxy service-ips").stdout)  # type: ignore[misc]
    server = Pod(one.host, one.address)
    try:
        met = {name: client.meets(protocol, address, PORT) for name, client in cluster.clients.items()}
    finally:
        server.close()
    assert met.pop("host-1") in one.host.run("ip addr").stdout, "one of its own"
    expected = {"self": OWN, "pod-1": OWN, "pod-2": N2, "host-2": N2, "out-1": OWN, "out-2": N2}
    assert met == {name: cluster.seen(name, what) for name, what in expected.items()}
