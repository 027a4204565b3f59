"""Services on a cluster of three nodes with real pods: the essential rows of the matrix, SCTP with Debian's usrsctp
programs, rollouts without a lost connection, and a load balancer's address whose node dies.

Asked from pods, from nodes, from the machine that is on the nodes' link, and from one outside behind it.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pynetes.cli.hosts import network
from pynetes.kubelet import oci
from pynetes.testing.images import debian_files
from pynetes.testing.netns import NetworkNamespace
from tests.e2e import peer
from tests.e2e.cluster import NODE_IP, Machine, until

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

NODES = ("node-1", "node-2", "node-3")
IMAGE = "localhost:5000/test/peers:1"
USRSCTP = "/usr/lib/usrsctp"
OUTSIDE = "203.0.113.1"
POOL = "198.18.53.200-198.18.53.209"
GRACE = "--node-monitor-grace-period 16s"
#: Seconds for an answer that must come; for one that will not, or that is asked for again.
PATIENCE, IMPATIENCE = 60.0, 2.0

PORTS = [
    {"name": "t", "protocol": "TCP", "port": 80, "targetPort": 8080},
    {"name": "u", "protocol": "UDP", "port": 80, "targetPort": 8080},
    {"name": "s", "protocol": "SCTP", "port": 7},
]


def container(command: str) -> dict[str, Any]:
    node = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    return {"name": "main", "image": IMAGE, "command": ["sh", "-c", command], "env": [node]}


def serving() -> dict[str, Any]:
    """A pod that serves all three protocols."""
    probe = {"readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
    command = f"{USRSCTP}/echo_server & exec python3 /peer.py serve 8080"
    return {"terminationGracePeriodSeconds": 120, "containers": [container(command) | probe]}


def workload(kind: str, name: str, pod: dict[str, Any], **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": whole}


def service(name: str, app: str, **spec: Any) -> dict[str, Any]:
    whole = {"type": "LoadBalancer", "selector": {"app": app}, "ports": PORTS, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": whole}


#: `who` is on every node, `one` on node-1 alone; `client` is there to ask.
OBJECTS = [
    workload("DaemonSet", "client", {"terminationGracePeriodSeconds": 0, "containers": [container("exec sleep 1d")]}),
    workload("DaemonSet", "who", serving()),
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "labels": {"app": "one"}},
        "spec": {**serving(), "nodeName": "node-1"},
    },
    service("who", "who"),
    service("one", "one"),
    service("one-local", "one", externalTrafficPolicy="Local"),
    service("nobody", "nobody"),
]


class Site:
    """Three nodes, what is deployed there, and who asks."""

    def __init__(self, machine: Machine, directory: Path) -> None:
        self.machine = machine
        machine.pynetes("up", f"--nodes 3 --registry --load-balancer-pool {POOL}", GRACE)
        machine.router.run(f"ip route add 198.18.53.0/24 via {NODE_IP}")
        self._push_image(directory)
        self.addresses = {name: self._address(name) for name in NODES}
        machine.kubectl("apply -f -", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}))
        machine.kubectl("rollout status daemonset/client daemonset/who --timeout=150s")
        machine.kubectl("wait --for=condition=Ready pod/one --timeout=150s")
        pods = machine.get("pods -l app=client")["items"]
        self.clients = {pod["spec"]["nodeName"]: pod["metadata"]["name"] for pod in pods}
        self.pod_addresses = {pod["spec"]["nodeName"]: pod["status"]["podIP"] for pod in pods}
        for name in ("who", "one", "one-local", "nobody"):
            until(lambda name=name: self.balancer(name))

    def _push_image(self, directory: Path) -> None:
        files = debian_files(["busybox-static", "libusrsctp-examples", "python3-minimal"])
        for applet in ("sh", "sleep", "timeout"):
            files[f"usr/bin/{applet}"] = oci.Link("busybox")
        files["peer.py"] = oci.File(Path(peer.__file__), mode=0o755)
        archive = directory / "peers.tar"
        archive.write_bytes(oci.image_tar(IMAGE, [oci.layer(files)]))
        push = f"skopeo copy --dest-tls-verify=false oci-archive:{archive} docker://{IMAGE}"
        until(lambda: self.machine.host.run(push, check=False).returncode == 0)

    def _address(self, name: str) -> str:
        return str(self.machine.get(f"node {name}")["status"]["addresses"][0]["address"])

    def service(self, name: str) -> dict[str, str]:
        spec = self.machine.get(f"service {name}")["spec"]
        return {"cluster-ip": spec["clusterIP"], **{p["name"]: str(p.get("nodePort", "")) for p in spec["ports"]}}

    def balancer(self, name: str) -> str:
        status = self.machine.get(f"service {name}")["status"]["loadBalancer"]
        return str((status.get("ingress") or [{"ip": ""}])[0]["ip"])

    def rules(self, node: str) -> str:
        """Those of Services, as the node has them."""
        return self.machine.in_host(node, "nft list table ip pynetes-proxy").stdout

    # -- who asks

    def from_pod(self, node: str, protocol: str, address: str, port: int | str) -> str:
        asked = f"exec {self.clients[node]} -- python3 /peer.py ask {protocol} {address} {port} {PATIENCE}"
        return self.machine.kubectl(asked).stdout.strip()

    def from_node(self, node: str, protocol: str, address: str, port: int | str) -> str:
        with self.inside(node) as host:
            return host.call(peer.ask, protocol, address, int(port), PATIENCE)

    def from_machine(self, protocol: str, address: str, port: int | str) -> str:
        return self.machine.host.call(peer.ask, protocol, address, int(port), PATIENCE)

    def from_outside(self, protocol: str, address: str, port: int | str, seconds: float = PATIENCE) -> str:
        return self.machine.router.call(peer.ask, protocol, address, int(port), seconds)

    def inside(self, node: str) -> NetworkNamespace:
        pid = json.loads((self.machine.run_dir / "hosts" / f"{node}.json").read_text())["pid"]
        return NetworkNamespace(node, of_process=pid)

    def sctp_from_pod(self, node: str, address: str, port: int | str) -> str:
        def say(command: str) -> str:
            return self.machine.kubectl(f"exec {self.clients[node]} -- {command}").stdout

        return talk(say, address, port)

    def sctp_from_node(self, node: str, address: str, port: int | str) -> str:
        with self.inside(node) as host:
            return talk(lambda command: host.run(command).stdout, address, port)


def talk(run: Callable[[str], str], address: str, port: int | str) -> str:
    """What usrsctp's client said. It tells nothing before it ends, and ends with its input: a machine under load has
    more time between the word and the end, where a second was too short for the echo."""
    for seconds in (1, 10):
        said = run(f"timeout 100 sh -c '(echo hello; sleep {seconds}) | {USRSCTP}/client {address} {port}'")
        if "hello" in said.splitlines():
            break
    return said


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with closing(Machine()) as machine:
        yield Site(machine, tmp_path_factory.mktemp("images"))


def test_every_node_answers_for_every_pod(site: Site) -> None:
    """Spread over all pods, from wherever it is asked."""
    address = site.service("who")["cluster-ip"]
    for ask in (
        lambda: site.from_node("node-2", "tcp", address, 80),
        lambda: site.from_machine("tcp", site.addresses["node-3"], site.service("who")["t"]),
    ):
        until(lambda ask=ask: {ask().split()[0] for _ in range(20)} == set(NODES))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_pod_on_another_node_sees_who_asks_or_the_node_that_translated(site: Site, protocol: str) -> None:
    one, local, nobody = (site.service(name) for name in ("one", "one-local", "nobody"))
    two, key = site.addresses["node-2"], protocol[0]
    at_pod = site.machine.get("pod one")["status"]["podIP"]
    met = {
        "pod to pod": site.from_pod("node-2", protocol, at_pod, 8080),
        "pod to cluster IP": site.from_pod("node-2", protocol, one["cluster-ip"], 80),
        "node to cluster IP": site.from_node("node-2", protocol, one["cluster-ip"], 80),
        "outside to a node port elsewhere": site.from_outside(protocol, two, one[key]),
        "outside to a node port there, local": site.from_outside(protocol, site.addresses["node-1"], local[key]),
        "outside to a node port elsewhere, local": site.from_outside(protocol, two, local[key], IMPATIENCE),
        "pod to a load balancer, local": site.from_pod("node-2", protocol, site.balancer("one-local"), 80),
        "outside to a load balancer, local": site.from_outside(protocol, site.balancer("one-local"), 80),
        "pod to nobody": site.from_pod("node-2", protocol, nobody["cluster-ip"], 80),
        "outside to nobody": site.from_outside(protocol, site.balancer("nobody"), 80),
    }
    assert met == {
        "pod to pod": f"node-1 {site.pod_addresses['node-2']}",
        "pod to cluster IP": f"node-1 {site.pod_addresses['node-2']}",
        "node to cluster IP": f"node-1 {two}",
        "outside to a node port elsewhere": f"node-1 {two}",
        "outside to a node port there, local": f"node-1 {OUTSIDE}",
        "outside to a node port elsewhere, local": "lost",
        "pod to a load balancer, local": f"node-1 {site.pod_addresses['node-2']}",
        "outside to a load balancer, local": f"node-1 {OUTSIDE}",
        "pod to nobody": "refused",
        "outside to nobody": "refused",
    }
    assert site.from_outside(protocol, site.balancer("one"), 80).startswith("node-1 ")


def test_sctp_goes_all_these_ways_too(site: Site) -> None:
    """usrsctp's client hears its own words again, and both ends take leave properly."""
    one = site.service("one")
    at_pod = site.machine.get("pod one")["status"]["podIP"]
    said = {
        "pod to pod": site.sctp_from_pod("node-2", at_pod, 7),
        "pod to cluster IP": site.sctp_from_pod("node-2", one["cluster-ip"], 7),
        "pod to cluster IP on its node": site.sctp_from_pod("node-1", one["cluster-ip"], 7),
        "node to cluster IP": site.sctp_from_node("node-3", one["cluster-ip"], 7),
        "node to a node port": site.sctp_from_node("node-3", site.addresses["node-2"], one["s"]),
        "node to a load balancer": site.sctp_from_node("node-3", site.balancer("one"), 7),
    }
    for way, text in said.items():
        assert "hello" in text.splitlines(), f"{way}: {text}"
        assert "SCTP_COMM_UP" in text, way
        assert "SCTP_SHUTDOWN_COMP" in text, way


def test_names_lead_to_services_and_pods(site: Site) -> None:
    site.machine.kubectl("apply -f -", input=json.dumps(service("headless", "who", type="ClusterIP", clusterIP="None")))
    until(lambda: site.from_pod("node-1", "tcp", "headless", 8080).split()[0] in NODES)
    assert site.from_pod("node-3", "udp", "one.default.svc.cluster.local", 80).startswith("node-1 ")


def test_a_rollout_loses_no_connection(site: Site) -> None:
    """Endpoints follow pods: the new ones are asked as soon as they are ready, the old ones no more when they end."""
    site.machine.kubectl("apply -f -", input=json.dumps(workload("Deployment", "rolling", serving(), replicas=2)))
    site.machine.kubectl("apply -f -", input=json.dumps(service("rolling", "rolling", type="ClusterIP")))
    site.machine.kubectl("rollout status deployment/rolling --timeout=150s")
    address = site.service("rolling")["cluster-ip"]
    until(lambda: site.from_node("node-1", "tcp", address, 80).split()[0] in NODES)
    old = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in site.machine.get("pods -l app=rolling")["items"]}
    until(lambda: all(f" {each} " in site.rules("node-2") for each in old.values()))
    with Asking(site, address) as asking:
        site.machine.kubectl("rollout restart deployment/rolling")
        site.machine.kubectl("rollout status deployment/rolling --timeout=150s")
        # They live until they are told to hurry, long after nobody must ask them any more.
        until(lambda: not any(f" {each} " in site.rules("node-2") for each in old.values()))
        site.machine.kubectl(f"delete pods {' '.join(old)} --grace-period=1 --timeout=150s")
        enough = sum(asking.answers.values()) + 10
        until(lambda: sum(asking.answers.values()) >= enough)
    assert asking.answers["refused"] == asking.answers["lost"] == 0, asking.answers
    assert sum(asking.answers.values()) > 20


class Asking:
    """Asks for a Service on node-2, ten times a second, while its block runs."""

    def __init__(self, site: Site, address: str) -> None:
        self.answers: Counter[str] = Counter()
        self._host, self._address = site.inside("node-2"), address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self.answers[self._host.call(peer.ask, "tcp", self._address, 80, PATIENCE).split()[0]] += 1

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self._host.close()


def test_a_load_balancers_address_is_taken_over_when_its_node_dies(site: Site) -> None:
    address = site.balancer("who")
    until(lambda: site.from_outside("tcp", address, 80, IMPATIENCE).split()[0] in NODES)
    first = until(lambda: announcer(site, address))
    site.machine.pynetes("node stop", first)
    until(lambda: announcer(site, address) not in ("", first))
    # its pod is asked until the control plane has noticed; the others answer
    until(lambda: site.from_outside("tcp", address, 80, IMPATIENCE).split()[0] in NODES)
    until(
        lambda: (
            {site.from_outside("tcp", address, 80, IMPATIENCE).split()[0] for _ in range(10)} == set(NODES) - {first}
        )
    )
    site.machine.pynetes("node start", first)
    site.machine.kubectl(f"wait --for=condition=Ready node/{first} --timeout=150s")
    until(lambda: {site.from_outside("tcp", address, 80, IMPATIENCE).split()[0] for _ in range(20)} == set(NODES))


def announcer(site: Site, address: str) -> str:
    """The node that the machine on the link takes for the owner of the address; empty if it knows of none.

    The kernel forgets neighbours that nobody has asked for a minute as soon as all tests on it have more than 128.
    """
    shown = json.loads(site.machine.host.run(f"ip -j neigh show {address}").stdout)
    if not any("lladdr" in entry for entry in shown):
        site.machine.host.call(peer.ask, "tcp", address, 80, IMPATIENCE)  # it has to look for it now
        return ""
    owners = [name for name, ip in site.addresses.items() if network.mac(ip) == shown[0]["lladdr"]]
    return owners[0] if owners else ""
