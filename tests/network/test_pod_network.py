"""The agent on real nodes: which ways packets take, how large they may be, and whose plugin is in charge."""

import json
import socket
from collections.abc import Iterator

import pytest

from pynetes.apis.names import NODES
from pynetes.network import forwarding
from pynetes.network.cni import FILE_NAME
from pynetes.testing import cni
from pynetes.testing.netns import NetworkNamespace
from tests.network.fabric import Fabric, Node, until
from tests.proxy.peers import ASK, PORT, Pod

pytestmark = pytest.mark.root

_HEADERS = 28
_IP_MTU_DISCOVER, _NEVER_FRAGMENT = 10, 2

FOREIGN = {
    "cniVersion": "0.4.0",
    "name": "elsewhere",
    "plugins": [
        {
            "type": "ptp",
            "ipMasq": False,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": "172.30.1.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]},
        }
    ],
}


@pytest.fixture
def fabric() -> Iterator[Fabric]:
    made = Fabric(nodes=2, far=1)
    try:
        for node in made.nodes:
            made.register(node)
            node.start()
        for node in made.nodes:
            until(lambda node=node: is_configured(node))
        yield made
        made.check()
    finally:
        made.close()


def is_configured(node: Node) -> bool:
    """All other nodes are known, and pods can come: the file is written after the ways, and again for the tunnel."""
    return len(ways(node)) == 2 and mtu_to_be(node) == 1450


def mtu_to_be(node: Node) -> int:
    """Of the pods that come; 0 while none can."""
    try:
        return int(json.loads((node.cni_conf / FILE_NAME).read_text())["plugins"][0]["mtu"])
    except FileNotFoundError:
        return 0


def ways(node: Node) -> dict[str, str]:
    """Pod CIDR → next hop and interface, of the routes that are ours."""
    shown = json.loads(node.host.run("ip -j route show proto 157").stdout)
    return {route["dst"]: f"{route['gateway']} {route['dev']}" for route in shown}


def arrives(
    sender: NetworkNamespace, receiver: NetworkNamespace, address: str, size: int, patience: float = 30.0
) -> bool:
    """Whether a packet of that size, which nobody may fragment, arrives whole."""

    def udp_socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _NEVER_FRAGMENT)
        return made

    with receiver.call(udp_socket) as target, sender.call(udp_socket) as source:
        target.bind((address, 9999))
        target.settimeout(patience)
        try:
            source.sendto(bytes(size - _HEADERS), (address, 9999))
            return len(target.recv(9000)) == size - _HEADERS
        except OSError:
            return False


def mtu_of(pod: NetworkNamespace) -> int:
    return int(json.loads(pod.run("ip -j link show eth0").stdout)[0]["mtu"])


def exceptions(node: Node) -> int:
    """How many rules let pods' packets through."""
    return node.host.run("iptables -S FORWARD").stdout.count("pynetes-pods")


def test_neighbours_are_gateways_others_are_behind_the_tunnel_and_whole_packets_pass(fabric: Fabric) -> None:
    one, two, far = fabric.nodes
    link, far_link = (fabric.interfaces[node.name] for node in (one, far))
    assert ways(one) == {"10.244.2.0/24": f"{two.address} {link}", "10.244.3.0/24": "10.244.3.0 pynetes-vxlan"}
    assert ways(far) == {f"10.244.{n}.0/24": f"10.244.{n}.0 pynetes-vxlan" for n in (1, 2)}
    assert far_link not in far.host.run("ip route show proto 157").stdout
    pods = {node.name: node.add_pod(f"pod-{node.name}") for node in fabric.nodes}
    for sender, _ in pods.values():
        assert mtu_of(sender) == 1450, "what the tunnel leaves of 1500"
        for receiver, address in pods.values():
            assert receiver is sender or arrives(sender, receiver, address, 1450)
    pod, address = pods["n3"]
    assert not arrives(one.host, pod, address, 1451, 1), "one byte more would not"
    assert arrives(far.host, *pods["n1"], 1450), "the node itself, with the address of its end of the tunnel"


@pytest.mark.parametrize("protocol", ["TCP", "UDP", "SCTP"])
def test_services_lead_through_the_tunnel_and_answers_come_back(fabric: Fabric, protocol: str) -> None:
    one, _, far = fabric.nodes
    server, address = one.add_pod("server")
    client, client_address = far.add_pod("client")
    ports = [{"name": "p", "port": PORT, "protocol": protocol}]
    endpoint = {"addresses": [address], "nodeName": one.name, "conditions": {"ready": True}}
    spec = fabric.create_service("web", ports, type="NodePort")["spec"]
    fabric.create_slice("web", ports, [endpoint])
    for node in fabric.nodes:
        until(lambda node=node: spec["clusterIP"] in node.host.run("nft list map ip pynetes-proxy service-ips").stdout)  # type: ignore[misc]
    end_of_tunnel = "10.244.3.0"
    pod = Pod(server, address)
    try:
        seen = {
            "pod": client.call(ASK[protocol], spec["clusterIP"], PORT, 30).split()[1],
            "node": far.host.call(ASK[protocol], spec["clusterIP"], PORT, 30).split()[1],
            "outside": fabric.router.call(ASK[protocol], far.address, spec["ports"][0]["nodePort"], 30).split()[1],
        }
    finally:
        pod.close()
    assert seen == {"pod": client_address, "node": end_of_tunnel, "outside": end_of_tunnel}


def test_a_node_that_goes_takes_its_ways_along_and_the_last_the_tunnel(fabric: Fabric) -> None:
    one, two, far = fabric.nodes
    fabric.delete(NODES, far.name, None)
    until(lambda: ways(one).keys() == {"10.244.2.0/24"})
    until(lambda: "pynetes-vxlan" not in one.host.run("ip link").stdout)
    for node in (one, two):
        until(lambda node=node: mtu_to_be(node) == 1500)
    pod, address = one.add_pod("alone")
    other, _ = two.add_pod("other")
    assert arrives(other, pod, address, 1500)


def test_a_node_that_joins_again_has_pods_of_its_new_range(fabric: Fabric) -> None:
    one, two, _ = fabric.nodes
    before, old = two.add_pod("before")
    assert old.startswith("10.244.2.")
    cni.detach(two.host, two.cni_conf, before)
    fabric.delete(NODES, two.name, None)
    until(lambda: "10.244.2.0/24" not in ways(one))
    fabric.register(two, pods="10.244.77.0/24")
    until(lambda: "10.244.77.0/24" in ways(one))
    until(lambda: "10.244.77.0/24" in (two.cni_conf / FILE_NAME).read_text())
    until(lambda: "10.244.77.0/24" in two.host.run("nft list table ip pynetes-network").stdout)
    pod, address = two.add_pod("after")
    assert address.startswith("10.244.77.")
    assert arrives(one.host, pod, address, 1450)
    assert "10.244.2.1" not in two.host.run("ip addr show pynetes0").stdout


def test_another_plugin_takes_over_whole_and_ours_comes_back_when_it_goes(fabric: Fabric) -> None:
    one = fabric.nodes[0]
    ours, address = one.add_pod("ours")
    assert address.startswith("10.244.1.")
    dropped = one.cni_conf / "99-elsewhere.conflist"
    ipam = {**FOREIGN["plugins"][0]["ipam"], "dataDir": str(fabric.directory / "elsewhere")}  # type: ignore[index]
    dropped.write_text(json.dumps({**FOREIGN, "plugins": [{**FOREIGN["plugins"][0], "ipam": ipam}]}))  # type: ignore[index]
    until(lambda: not (one.cni_conf / FILE_NAME).exists())
    until(lambda: ways(one) == {})
    assert "pynetes-vxlan" not in one.host.run("ip link").stdout
    assert "pynetes-network" not in one.host.run("nft list tables").stdout
    assert "pynetes0" in one.host.run("ip link").stdout, "a pod is connected to it"
    ours.run("ip link del eth0")
    until(lambda: "pynetes0" not in one.host.run("ip link").stdout)
    theirs, address = one.add_pod("theirs")
    assert address.startswith("172.30.1.")
    assert arrives(one.host, theirs, address, 1500)
    dropped.unlink()
    until(lambda: is_configured(one))
    assert "pynetes-network" in one.host.run("nft list tables").stdout
    again, address = one.add_pod("again")
    assert address.startswith("10.244.1.")
    other, _ = fabric.nodes[1].add_pod("other")
    assert arrives(other, again, address, 1450)


def test_pods_are_an_exception_where_a_firewall_forwards_nothing(fabric: Fabric) -> None:
    one, two, _ = fabric.nodes
    pod, address = one.add_pod("inside")
    other, _ = two.add_pod("other")
    assert arrives(other, pod, address, 1450)
    one.stop()  # so that it cannot be there first
    one.host.run("iptables -P FORWARD DROP")  # as Docker does when it starts
    assert not arrives(other, pod, address, 100, 1)
    one.start()
    until(lambda: exceptions(one) == 2)
    assert arrives(other, pod, address, 1450)
    one.host.run("iptables -D FORWARD 1")
    fabric.register_address(two, "192.0.2.77")  # any change makes the agent look
    until(lambda: exceptions(one) == 2)
    fabric.register_address(two, two.address)
    until(lambda: ways(one)["10.244.2.0/24"].startswith(f"{two.address} "))
    assert arrives(other, pod, address, 1450)
    one.stop()  # it would put them back
    one.host.call(forwarding.forget)
    assert one.host.run("iptables -S FORWARD").stdout == "-P FORWARD DROP\n"
