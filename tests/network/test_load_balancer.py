"""A load balancer's address on the nodes' link: announced by one of them, served by its proxy, taken over when it dies.

Real announcers, proxies and pod networks on three nodes; the client keeps its neighbour table, as machines outside do.
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pynetes.apis.names import ENDPOINT_SLICES, NODES
from tests.network.fabric import Fabric, Node, until

pytestmark = pytest.mark.root

ADDRESS = "192.0.2.150"
POOL = f"{ADDRESS}-192.0.2.159"
PORT = {"name": "", "port": 80, "protocol": "TCP"}


class Web:
    """A pod that answers with its name and the client's address."""

    def __init__(self, node: Node) -> None:
        self.name = f"web-{node.number}"
        self.node = node
        self.host, self.address = node.add_pod(self.name)
        self._socket = self.host.call(socket.create_server, (self.address, 80))
        self._socket.settimeout(0.2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                connection, peer = self._socket.accept()
                with connection:
                    connection.sendall(f"{self.name} {peer[0]}".encode())

    @property
    def endpoint(self) -> dict[str, object]:
        return {"addresses": [self.address], "nodeName": self.node.name, "conditions": {"ready": True}}

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()


class Site:
    def __init__(self) -> None:
        self.fabric = Fabric(nodes=3)
        self.webs: list[Web] = []
        self.fabric.control_plane.manage_pool(POOL)
        self.client = self.fabric.add_client("client", "192.0.2.201")
        for node in self.fabric.nodes:
            self.fabric.register(node)
            node.start(announce=True)
        for node in self.fabric.nodes:
            until(lambda node=node: any(node.cni_conf.glob("*.conflist")))
        self.webs += [Web(node) for node in self.fabric.nodes]

    def serve(self, *webs: Web, **spec: object) -> None:
        self.fabric.create_service("web", [{"port": 80}], type="LoadBalancer", **spec)
        self.fabric.create_slice("web", [PORT], [web.endpoint for web in webs])
        self.fabric.patch_service_status("web", {"loadBalancer": {"ingress": [{"ip": ADDRESS, "ipMode": "VIP"}]}})

    def announcer(self) -> Node | None:
        """The node that the client's kernel takes for the owner of the address."""
        shown = json.loads(self.client.run(f"ip -j neigh show {ADDRESS}").stdout)
        hardware = shown[0].get("lladdr") if shown else None
        return next((node for node in self.fabric.nodes if self._hardware(node) == hardware), None)

    def _hardware(self, node: Node) -> str:
        shown = node.host.run(f"ip -j link show {self.fabric.interfaces[node.name]}").stdout
        return str(json.loads(shown)[0]["address"])

    def answer(self) -> str:
        """Empty if there is none."""
        return self.client.call(_ask)

    def set_ready(self, node: Node, ready: bool) -> None:
        condition = {"type": "Ready", "status": "True" if ready else "Unknown", "reason": "Test", "message": ""}
        patch = {"status": {"conditions": [condition]}}
        self.fabric.patch(NODES, node.name, patch, None, type="strategic", subresource="status")

    def die(self, node: Node) -> None:
        """Without a word: its agents and its link are gone, its pods with it."""
        node.stop()
        node.host.run(f"ip link set {self.fabric.interfaces[node.name]} down")

    def close(self) -> None:
        for web in self.webs:
            web.close()
        self.fabric.close()


def _ask() -> str:
    try:
        with socket.create_connection((ADDRESS, 80), timeout=1) as connection:
            return connection.recv(64).decode()
    except OSError:
        return ""


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    try:
        yield made
        made.fabric.check()
    finally:
        made.close()


def test_another_node_takes_the_address_over_when_its_announcer_dies(site: Site) -> None:
    site.serve(*site.webs)
    until(site.answer)
    first = site.announcer()
    assert first is not None
    names = {web.name for web in site.webs}
    until(lambda: _seen(site) == names)
    site.die(first)
    until(lambda: site.announcer() not in (None, first))  # long before the control plane knows of it
    until(site.answer)
    site.set_ready(first, False)  # what the node lifecycle controller says of it in the end
    left = [web for web in site.webs if web.node is not first]
    site.fabric.patch(ENDPOINT_SLICES, "web", {"endpoints": [web.endpoint for web in left]})
    until(lambda: _seen(site) == {web.name for web in left})


def _seen(site: Site) -> set[str]:
    """Who answers twenty connections."""
    return {answer.split()[0] for _ in range(20) if (answer := site.answer())}


def test_with_policy_local_a_node_with_an_endpoint_announces_and_the_client_keeps_its_address(site: Site) -> None:
    web, other = site.webs[1], site.webs[2]
    site.serve(web, externalTrafficPolicy="Local")
    assert until(site.answer) == f"{web.name} 192.0.2.201"
    until(lambda: site.announcer() is web.node)
    site.fabric.patch(ENDPOINT_SLICES, "web", {"endpoints": [other.endpoint]})
    until(lambda: site.answer() == f"{other.name} 192.0.2.201")
    until(lambda: site.announcer() is other.node)  # the one before may have told the link of itself once more
