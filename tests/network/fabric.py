"""Several nodes in network namespaces on one link, with our real agents: API server, pod network, proxy, announcer.

        control plane ──┐             each node has a way out of its own, which carries its default route and leads
        client ─────────┤ switch      to nobody: what takes it is lost
        node n1 ────────┤ 192.0.2.0/24
        node n2 ────────┤             n1's pods: 10.244.1.0/24, n2's: 10.244.2.0/24, connected by the CNI plugins
        router ─────────┘
          └── node n3, …              198.18.0.0/24, a link of its own for nodes that are `far`

Every host has threads of its own in its namespace, with an event loop where agents run.
"""

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from pynetes.apis.names import ENDPOINT_SLICES, NODES, SERVICES
from pynetes.apiserver.server import APIServer
from pynetes.client.https import HTTPSTransport, tls_context
from pynetes.client.rest import Client
from pynetes.cloud import customresources
from pynetes.cloud import manager as cloud_manager
from pynetes.cloud.context import CloudContext
from pynetes.cloud.providers import load
from pynetes.cloud.providers.local import announcer
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, definition, manifest
from pynetes.component import pki
from pynetes.component.sysctl import set_sysctl
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.network.config import NodeNetwork
from pynetes.network.pod_network import PodNetwork
from pynetes.proxy.config import ProxyConfig
from pynetes.proxy.proxier import Proxier
from pynetes.testing import apiserver, cni
from pynetes.testing.netns import NetworkNamespace, connect

T = TypeVar("T")
Object = dict[str, Any]

LINK, FAR_LINK = "192.0.2", "198.18.0"
ROUTER = 200
SERVER = f"{LINK}.10"
CLUSTER_CIDR = "10.244.0.0/16"
_LONG = 60.0


class Loop:
    """An event loop in a thread inside of a host; what is started there ends with it."""

    def __init__(self, host: NetworkNamespace) -> None:
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._ended: Future[None] = Future()
        threading.Thread(target=host.call, args=(self._run,), daemon=True).start()
        self._loop = self._ready.result(_LONG)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._ready.set_result(runner.get_loop())
            runner.get_loop().run_forever()
        self._ended.set_result(None)

    def start(self, coro: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(coro, self._loop)

    def call(self, coro: Coroutine[Any, Any, T]) -> T:
        return self.start(coro).result(_LONG)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.1)  # closed connections take a few turns to say goodbye

    def close(self) -> None:
        """Cancels what runs, and waits for its end."""
        self.call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._ended.result(_LONG)


class ControlPlane:
    """The API server on a host of its own. `run` runs a function with a client, on the server's loop."""

    def __init__(self, host: NetworkNamespace, directory: Path) -> None:
        self.keys = pki.ensure(directory, addresses=(SERVER,))
        self._config = apiserver.config(self.keys, bind_address=SERVER)
        self.loop = Loop(host)
        self._started: Future[APIServer] = Future()
        self._serving = self.loop.start(self._serve())
        self._server = self._started.result(_LONG)

    async def _serve(self) -> None:
        try:
            async with APIServer(self._config) as server:
                await server.ready()
                self._started.set_result(server)
                await asyncio.get_running_loop().create_future()
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)
            raise

    def run(self, function: Callable[[Client], Awaitable[T]]) -> T:
        async def call() -> T:
            return await function(self._server.client())

        return self.loop.call(call())

    def manage(self, *controllers: str) -> None:
        """Runs these controllers beside the server."""
        context = ControllerContext.for_client(self._server.client(), ControllerManagerConfig(leader_elect=False))
        self.loop.start(manager.run_controllers(context, list(controllers)))

    def manage_pool(self, *ranges: str) -> None:
        """An AddressPool, and the controller that brings it in force."""

        async def declare(client: Client) -> None:
            await customresources.install(client, [definition()])
            await client.create(ADDRESS_POOLS, manifest("default", list(ranges)))

        self.run(declare)
        context = CloudContext.for_client(self._server.client(), load("local"))
        self.loop.start(cloud_manager.run_controllers(context, ["address-pool-controller"]))

    def client(self, name: str) -> Client:
        """Over HTTPS, as the owner of one of the certificates: `admin`, `kube_proxy`. Call it on the loop to use it."""
        pair = getattr(self.keys, name)
        tls = tls_context(
            ca_data=self.keys.ca.certificate.read_bytes(),
            cert_data=pair.certificate.read_bytes(),
            key_data=pair.key.read_bytes(),
        )
        return Client(HTTPSTransport(f"https://{SERVER}:{self._server.port}", tls=tls))

    def close(self) -> None:
        self.loop.close()


class Node:
    """A host with the agents that `start` is asked for, and pods."""

    def __init__(self, number: int, control_plane: ControlPlane, directory: Path, *, far: bool = False) -> None:
        self.name, self.number = f"n{number}", number
        self.link = FAR_LINK if far else LINK
        self.address, self.gateway = f"{self.link}.{number}", f"10.244.{number}.1"
        self.host, self.way_out = NetworkNamespace(self.name), NetworkNamespace(f"out{number}")
        self.cni_conf = directory / self.name / "net.d"
        self.proxy_config = ProxyConfig(self.name, CLUSTER_CIDR)
        self._state = directory / self.name / "state"
        self._control_plane = control_plane
        self._pods: list[NetworkNamespace] = []
        self._loop: Loop | None = None
        self._agents: list[Future[None]] = []

    def plug(self, switch: NetworkNamespace) -> str:
        """Connects the node to its link and its way out; returns the interface on the link."""
        port, interface = connect(switch, "", self.host, f"{self.address}/24")
        switch.run(f"ip link set {port} master br0")
        others = LINK if self.link == FAR_LINK else FAR_LINK
        self.host.run(f"ip route add {others}.0/24 via {self.link}.{ROUTER}")
        connect(self.host, f"203.0.113.{self.number}/24", self.way_out, "203.0.113.254/24")
        self.host.run("ip route add default via 203.0.113.254")
        for where in ("all", "default"):  # as strict as some distributions set it
            self.host.call(set_sysctl, f"net.ipv4.conf.{where}.rp_filter", "1")
        # a test is refused more often than the kernel would tell one client
        self.host.call(set_sysctl, "net.ipv4.icmp_ratelimit", "0")
        return interface

    def start(self, *, announce: bool = False) -> None:
        """Pod network and proxy, and the announcer of load balancers' addresses if it is asked for."""
        self._loop = Loop(self.host)
        self._agents = [self._loop.start(self._network()), self._loop.start(self._proxy())]
        if announce:
            self._agents.append(self._loop.start(self._announce()))

    async def _network(self) -> None:
        client = self._control_plane.client("admin")
        try:
            await PodNetwork(client, NodeNetwork(self.name, CLUSTER_CIDR, self.cni_conf, self._state)).run()
        finally:
            await client.close()

    async def _proxy(self) -> None:
        client = self._control_plane.client("kube_proxy")
        try:
            await Proxier(client, self.proxy_config).run()
        finally:
            await client.close()

    async def _announce(self) -> None:
        client = self._control_plane.client("admin")
        try:
            await announcer.run(client, announcer.AnnouncerConfig(self.name, self.address))
        finally:
            await client.close()

    def check(self) -> None:
        """Raises what an agent died of."""
        for agent in self._agents:
            if agent.done():
                agent.result()

    def stop(self) -> None:
        """Ends the agents. What they put in force stays, as when they crash."""
        if self._loop is not None:
            self._loop.close()
        self._loop, self._agents = None, []

    def add_pod(self, name: str) -> tuple[NetworkNamespace, str]:
        """A pod as the runtime makes it, and its address."""
        pod = NetworkNamespace(name)
        self._pods.append(pod)
        return pod, cni.attach(self.host, self.cni_conf, pod)

    def close(self) -> None:
        self.stop()
        for host in (*self._pods, self.host, self.way_out):
            host.close()


def _switch(name: str) -> NetworkNamespace:
    switch = NetworkNamespace(name)
    switch.run("ip link add br0 type bridge")
    switch.run("ip link set br0 up")
    return switch


class Fabric:
    """A control plane, a client outside, and nodes on one link."""

    def __init__(self, nodes: int = 2, far: int = 0) -> None:
        with ExitStack() as stack:
            self.directory = Path(tempfile.mkdtemp(prefix="pynetes-fabric-"))
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            self.switch, self.far_switch = (stack.enter_context(_switch(name)) for name in ("switch", "far"))
            self.router = stack.enter_context(NetworkNamespace("router"))
            self.router.call(set_sysctl, "net.ipv4.ip_forward", "1")
            self.join(self.router, f"{LINK}.{ROUTER}/24")
            port, _ = connect(self.far_switch, "", self.router, f"{FAR_LINK}.{ROUTER}/24")
            self.far_switch.run(f"ip link set {port} master br0")
            self.control = stack.enter_context(NetworkNamespace("control"))
            self.join(self.control, f"{SERVER}/24")
            self.control.run(f"ip route add {FAR_LINK}.0/24 via {LINK}.{ROUTER}")
            self.control_plane = ControlPlane(self.control, self.directory / "pki")
            stack.callback(self.control_plane.close)
            self.nodes = [
                Node(number, self.control_plane, self.directory, far=number > nodes)
                for number in range(1, nodes + far + 1)
            ]
            self.interfaces = {}
            for node in self.nodes:
                stack.callback(node.close)
                self.interfaces[node.name] = node.plug(self.far_switch if node.link == FAR_LINK else self.switch)
            self._stack = stack.pop_all()

    def join(self, host: NetworkNamespace, address: str) -> str:
        """Connects a host to the link; returns its interface."""
        port, interface = connect(self.switch, "", host, address)
        self.switch.run(f"ip link set {port} master br0")
        return interface

    def add_client(self, name: str, address: str) -> NetworkNamespace:
        """A machine of nobody's cluster on the link."""
        client = self._stack.enter_context(NetworkNamespace(name))
        self.join(client, f"{address}/24")
        return client

    def register(self, node: Node, *, pods: str = "", **labels: str) -> None:
        """`pods`: the range of the node's pods."""
        pods = pods or f"10.244.{node.number}.0/24"
        self.create(
            NODES,
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": node.name, "labels": labels},
                "spec": {"podCIDR": pods, "podCIDRs": [pods]},
            },
        )
        status = {"conditions": [{"type": "Ready", "status": "True", "reason": "Test", "message": ""}]}
        self.patch(NODES, node.name, {"status": status}, None, subresource="status")
        self.register_address(node, node.address)

    def register_address(self, node: Node, address: str) -> None:
        status = {"addresses": [{"type": "InternalIP", "address": address}]}
        self.patch(NODES, node.name, {"status": status}, None, subresource="status")

    def create(self, gvr: Any, obj: Object, namespace: str | None = None) -> Object:
        return self.control_plane.run(lambda client: client.create(gvr, obj, namespace))

    def patch(self, gvr: Any, name: str, patch: Object, namespace: str | None = "default", **how: Any) -> Object:
        return self.control_plane.run(lambda client: client.patch(gvr, name, patch, namespace, **how))

    def delete(self, gvr: Any, name: str, namespace: str | None = "default") -> None:
        self.control_plane.run(lambda client: client.delete(gvr, name, namespace))

    def create_service(self, name: str, ports: list[Object], **spec: Any) -> Object:
        metadata = {"name": name}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}
        return self.create(SERVICES, service, "default")

    def patch_service_status(self, name: str, status: Object) -> Object:
        return self.patch(SERVICES, name, {"status": status}, subresource="status")

    def create_slice(self, service: str, ports: list[Object], endpoints: list[Object]) -> Object:
        labels = {"kubernetes.io/service-name": service}
        return self.create(
            ENDPOINT_SLICES,
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": service, "labels": labels},
                "addressType": "IPv4",
                "ports": ports,
                "endpoints": endpoints,
            },
            "default",
        )

    def check(self) -> None:
        for node in self.nodes:
            node.check()

    def close(self) -> None:
        self._stack.close()


def until(condition: Callable[[], Any], seconds: float = _LONG) -> Any:
    """Polls until the condition gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)
    return value
