"""From a pod's readiness to its traffic: the EndpointSlice controller, the API server and the proxy of another node."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pynetes.apis.names import PODS, SERVICE_ACCOUNTS
from pynetes.component import metrics
from pynetes.testing.netns import NetworkNamespace
from tests.network.fabric import Fabric, until
from tests.proxy.peers import Pod, ask_tcp

pytestmark = pytest.mark.root

PORTS = [{"port": 80, "protocol": "TCP"}]
ROUNDS = 5


class Site:
    """A Service whose pods are objects that stand for real ones on n1; the client is on n2."""

    def __init__(self) -> None:
        self.fabric = Fabric(nodes=2)
        self.fabric.control_plane.manage("endpointslice-controller")
        for node in self.fabric.nodes:
            self.fabric.register(node)
            node.start()
        for node in self.fabric.nodes:
            until(lambda node=node: any(node.cni_conf.glob("*.conflist")))  # type: ignore[misc]
        self.client, _ = self.fabric.nodes[1].add_pod("client")
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.fabric.create(SERVICE_ACCOUNTS, account, "default")
        service = self.fabric.create_service("web", PORTS, selector={"app": "web"})
        self.address = str(service["spec"]["clusterIP"])
        self.pods = [self._start(name) for name in ("a", "b")]

    def _start(self, name: str) -> Pod:
        pod = Pod(*self.fabric.nodes[0].add_pod(name), name=name)
        spec = {"nodeName": "n1", "containers": [{"name": "main", "image": "none"}]}
        metadata = {"name": name, "labels": {"app": "web"}}
        self.fabric.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, "default")
        return pod

    def set_ready(self, pod: Pod, ready: bool) -> None:
        """As its kubelet reports it."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}
        ip = {"podIP": pod.address, "podIPs": [{"ip": pod.address}]}
        status: dict[str, Any] = {"phase": "Running", "conditions": [condition], **ip}
        self.fabric.patch(PODS, pod.name, {"status": status}, type="strategic", subresource="status")

    def answers(self) -> set[str]:
        return {_ask(self.client, self.address) for _ in range(8)}

    def close(self) -> None:
        for pod in self.pods:
            pod.close()
        self.fabric.close()


def _ask(host: NetworkNamespace, address: str) -> str:
    def ask() -> str:
        try:
            return ask_tcp(address, 80, 1).split()[0]
        except OSError:
            return ""

    return host.call(ask)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    try:
        yield made
        made.fabric.check()
    finally:
        made.close()


def test_traffic_follows_readiness_within_a_second(site: Site) -> None:
    a, b = site.pods
    site.set_ready(a, True)
    until(lambda: site.answers() == {"a"})
    rounds = []
    for _ in range(ROUNDS):
        for there, away in ((b, a), (a, b)):
            began = time.monotonic()
            site.set_ready(there, True)
            site.set_ready(away, False)
            told = time.monotonic()
            until(lambda name=there.name: site.answers() == {name})  # type: ignore[misc]
            rounds.append((told - began, time.monotonic() - told))
    # A slow machine shows in the telling, too; the worst may be its stalls.
    assert any(followed < 1 + 20 * telling for telling, followed in rounds), rounds

    def counted() -> bool:
        for ready in (True, False):
            site.set_ready(b, ready)
        return _programmed() > 0

    # Conditions tell whole seconds: what changes within that of the proxies' start passes for older than they are.
    until(counted)


def _programmed() -> float:
    """How many changes the proxies' metric of the whole way has counted, in this process."""
    for line in metrics.render().decode().splitlines():
        if line.startswith("kubeproxy_network_programming_duration_seconds_count"):
            return float(line.split()[-1])
    return 0.0


def test_a_pod_that_ends_is_asked_only_while_there_is_no_other(site: Site) -> None:
    a, b = site.pods
    for pod in (a, b):
        site.set_ready(pod, True)
    until(lambda: site.answers() == {"a", "b"})
    site.fabric.delete(PODS, "a")
    until(lambda: site.answers() == {"b"})
    site.set_ready(b, False)
    until(lambda: site.answers() == {"a"})  # its node has not ended it yet, and it serves
    site.set_ready(a, False)
    until(lambda: site.answers() == {""})
