"""Asks for everything at once and puts the answers together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import ENDPOINT_SLICES, LEASES, NODES, PODS
from pynetes.cli import supervisor
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, load
from pynetes.cli.status import certs, dns, hosts, leaders, machine, masters, nodes, pods, store
from pynetes.cli.status.certs import Certificate
from pynetes.cli.status.dns import DNSView
from pynetes.cli.status.hosts import Host
from pynetes.cli.status.leaders import Leader
from pynetes.cli.status.masters import Master
from pynetes.cli.status.nodes import Node
from pynetes.cli.status.pods import Trouble
from pynetes.cli.status.remarks import BAD, DATA, WARN, Remark, without_echoes, worst
from pynetes.cli.status.store import StoreView
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

Object = dict[str, Any]
T = TypeVar("T")

#: For each question to the cluster.
SECONDS = 4.0
_SLICE = "kubernetes.io/service-name={}"


class View(Struct):
    """What is shown. None: not asked, or not allowed to this machine; `unseen` says why."""

    running: bool
    state: str | None = None
    server: str = ""
    version: str = ""
    processes: dict[str, Object] = field(default_factory=dict)
    hosts: list[Host] = field(default_factory=list)
    balancer: Master | None = None
    """What stands before the masters, where this machine has hosts."""
    masters: list[Master] = field(default_factory=list)
    leaders: list[Leader] | None = None
    store: StoreView | None = None
    nodes: list[Node] | None = None
    phases: dict[str, int] | None = None
    troubles: list[Trouble] = field(default_factory=list)
    dns: DNSView | None = None
    certificates: list[Certificate] = field(default_factory=list)
    unseen: str = ""
    remarks: list[Remark] = field(default_factory=list)

    @property
    def api_ready(self) -> bool:
        return any(master.ready for master in self.masters)

    def document(self) -> Object:
        """As JSON."""
        if not self.running:
            return {"running": False, "state": self.state}
        level = worst(self.remarks)
        api = {"ready": self.api_ready, "message": "" if self.api_ready else _first_message(self.masters)}
        return {
            "running": True,
            "level": level,
            "server": self.server,
            "version": self.version,
            "remarks": [
                {"level": r.level, "section": r.section, "what": r.what, "remedy": r.remedy} for r in self.remarks
            ],
            "api": api,
            "hosts": [host.document() for host in self.hosts],
            "masters": [master.document() for master in self.masters],
            "leaders": None if self.leaders is None else [leader.document() for leader in self.leaders],
            "store": self.store.document() if self.store else None,
            "nodes": None if self.nodes is None else [node.document() for node in self.nodes],
            "pods": None
            if self.phases is None
            else {"phases": self.phases, "notRunning": [trouble.document() for trouble in self.troubles]},
            "dns": self.dns.document() if self.dns else None,
            "certificates": [certificate.document() for certificate in self.certificates],
            "processes": self.processes,
        }


def _first_message(found: list[Master]) -> str:
    return next((master.message for master in found if master.message), "")


async def collect(layout: Layout, found_hosts: list[Host]) -> View:
    settings = load(layout)
    if settings is None or supervisor.running_pid(layout.supervisor_pid) is None:
        return View(False, str(layout.data) if settings else None)
    view = View(True, server=settings.server)
    view.processes = machine.with_memory(supervisor.read_state(layout.supervisor_state))
    view.remarks += machine.remarks(view.processes)
    now = clock.now()
    view.hosts = found_hosts
    view.remarks += hosts.remarks(view.hosts)
    found = [each for there in (layout, *(host.layout for host in view.hosts)) for each in certs.read(there)]
    view.certificates = certs.soon(found, now)
    await Cluster(layout, settings, view).look()
    view.remarks += certs.remarks(found, now)
    view.remarks = without_echoes(view.remarks, {host.name for host in view.hosts if host.state != "on"})
    view.remarks = [replace(each, remedy=each.remedy.replace(DATA, str(layout.data))) for each in view.remarks]
    return view


class Cluster:
    """The questions to the cluster; their answers go into `view`."""

    def __init__(self, layout: Layout, settings: Settings, view: View) -> None:
        self._layout, self._settings, self._view = layout, settings, view
        self._is_admin = settings.has_admin
        self._revision = 0

    async def look(self) -> None:
        """First who is there; then, through a server that is ready, what there is."""
        view, settings = self._view, self._settings
        config = kubeconfig.load(self._layout.kubeconfig("admin" if self._is_admin else "kubelet"))
        names = self._known_masters(config.server)
        reached = asyncio.gather(*(masters.ask(config, address, name) for address, name in names.items()))
        view.store, asked, found, view.balancer = await asyncio.gather(
            self._store(), self._ask_dns(), reached, self._balancer(config)
        )
        view.masters = found
        number = None
        server = next((master.address for master in found if master.ready), None)
        if server is not None:
            client = kubeconfig.client_from_config(replace(config, server=server), "pynetes-status")
            try:
                slices, dns_slices, *objects = await self._objects(client)
            finally:
                await client.close()
            number = None if dns_slices is None or objects[0] == [] else dns.servers(dns_slices)
            view.masters += await self.others(config, slices or [])
            self._put(*objects)
        view.masters.sort(key=lambda master: master.address)
        view.dns = dns.view(settings.dns_ip, asked, number)
        if view.store is not None:
            view.store = replace(view.store, revision=self._revision or None)
            view.remarks += store.remarks(view.store)
        view.remarks += [*masters.remarks(view.masters), *dns.remarks(view.dns)]
        if view.balancer is not None and not view.balancer.ready and server is not None:
            what = f"the balancer at {view.balancer.address} does not lead to a master: {view.balancer.message}"
            view.remarks.append(Remark(BAD, masters.SECTION, what, f"see {DATA}/log/balancer.log"))
        if not self._is_admin:
            view.unseen = (
                "This machine is a node: it may see itself and its own pods. "
                "`pynetes status` on a control plane's machine shows all."
            )

    def _put(
        self,
        found: list[Object] | None,
        running: list[Object] | None,
        leases: list[Object] | None,
        beats: list[Object] | None,
    ) -> None:
        """Nodes, pods, leases of components and of nodes."""
        view, now = self._view, clock.now()
        if leases is not None:
            view.leaders = leaders.leaders(leases, now)
            view.remarks += leaders.remarks(view.leaders)
        if found is not None and running is not None:
            by_node = {meta.name(lease): lease for lease in beats or ()}
            view.nodes = nodes.nodes(found, running, by_node, now)
            view.version = next((node.version for node in view.nodes if node.version), "")
            view.remarks += nodes.remarks(view.nodes)
        if running is not None:
            view.phases, view.troubles = pods.phases(running), pods.troubles(running, now)
            view.remarks += pods.remarks(view.troubles)

    async def others(self, config: kubeconfig.Config, slices: list[Object]) -> list[Master]:
        """Those behind the Service `kubernetes` that nobody has told us of; a node may not ask them."""
        known = {master.address for master in self._view.masters}
        others = [each for each in masters.addresses(slices) if each not in known] if self._is_admin else []
        return await asyncio.gather(*(masters.ask(config, each) for each in others))

    def _known_masters(self, server: str) -> dict[str, str]:
        """Address → name: this cluster's hosts; else the server we are told of and the managed etcd's machines."""
        port = self._settings.secure_port
        if self._view.hosts:
            chosen = [host for host in self._view.hosts if host.role == "master"]
            return {f"https://{host.address}:{port}": host.name for host in chosen}
        names = {f"https://{host}:{port}": name for name, host in self._members()}
        names.setdefault(server, self._settings.node_name if self._settings.runs_control_plane else "")
        return names

    def _members(self) -> list[tuple[str, str]]:
        """Name and address of the machines that have a member of the managed etcd."""
        if self._settings.store != store.ETCD or not self._settings.runs_control_plane:
            return []
        from pynetes.cli import etcd

        try:
            known = etcd.load_members(self._layout.etcd_members) or []
        except etcd.EtcdError as error:
            self._view.remarks.append(Remark(WARN, store.SECTION, str(error)))
            return []
        return [(each.name, each.addresses[0].rpartition(":")[0]) for each in known if each.addresses]

    async def _balancer(self, config: kubeconfig.Config) -> Master | None:
        return await masters.ask(config, config.server, "balancer") if self._view.hosts else None

    async def _store(self) -> StoreView | None:
        """As a machine of the control plane sees it: this one, or a master among its hosts."""
        if self._settings.runs_control_plane:
            return await store.look(self._layout, self._settings, data=self._layout.data)
        chosen = [host for host in self._view.hosts if host.role == "master"]
        chosen.sort(key=lambda host: host.state != "on")
        for host in chosen:
            settings = load(host.layout)
            if settings is not None:
                return await store.look(host.layout, settings, data=host.layout.data)
        return None

    async def _ask_dns(self) -> str | None:
        """None where no node runs: nobody here knows the Service's address."""
        if not self._settings.runs_node:
            return None
        from pynetes.cli import readiness

        return await readiness.dns_answers(self._settings)

    async def _objects(self, client: Client) -> tuple[list[Object] | None, ...]:
        """Slices of the API servers and the DNS, nodes, pods, leases of components and of nodes: what may be seen."""
        mine = f"spec.nodeName={self._settings.node_name}"
        name = self._settings.node_name

        async def own_node() -> list[Object]:
            return [await client.get(NODES, name)]

        async def own_lease() -> list[Object]:
            return [await client.get(LEASES, name, "kube-node-lease")]

        def listed(gvr: GroupVersionResource, namespace: str | None = None, **selectors: str) -> Callable[[], Any]:
            async def run() -> list[Object]:
                found = await client.list(gvr, namespace, **selectors)  # type: ignore[arg-type]
                self._revision = max(self._revision, int(found["metadata"].get("resourceVersion") or 0))
                items: list[Object] = found["items"]
                return items

            return run

        slices = listed(ENDPOINT_SLICES, "default", label_selector=_SLICE.format("kubernetes"))
        served = listed(ENDPOINT_SLICES, "kube-system", label_selector=_SLICE.format("kube-dns"))
        if self._is_admin:
            rest = (listed(NODES), listed(PODS), listed(LEASES, "kube-system"), listed(LEASES, "kube-node-lease"))
        else:
            rest = (own_node, listed(PODS, field_selector=mine), _nothing, own_lease)
        return tuple(await asyncio.gather(*(self._answer(ask) for ask in (slices, served, *rest))))

    async def _answer(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """None if there is no answer: the masters' section says why."""
        try:
            async with asyncio.timeout(SECONDS):
                return await ask()
        except StatusError as error:
            if error.code not in (401, 403, 404):
                self._view.remarks.append(Remark(WARN, masters.SECTION, f"the API server answers: {error}"))
            return None
        except (TransportError, TimeoutError):
            return None


async def _nothing() -> None:
    """What a node may not see."""
