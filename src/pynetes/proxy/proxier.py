"""The proxy's loop: what changed in Services and EndpointSlices becomes one transaction in the kernel.

Changes gather for a short while, so that a rollout costs a few transactions; the first change after a quiet time is
applied at once. When a transaction fails, or at start, the whole table is replaced.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apis.names import ENDPOINT_SLICES, SERVICES
from pynetes.client.informer import Informer, InformerFactory
from pynetes.client.rest import Client
from pynetes.component import clock, metrics
from pynetes.component.nftables import Nftables, NftablesError
from pynetes.component.sysctl import set_sysctl
from pynetes.component.tasks import Tasks
from pynetes.proxy import conntrack
from pynetes.proxy.elements import Elements, elements
from pynetes.proxy.ruleset import DELETE, Change, State, full
from pynetes.proxy.services import SERVICE_NAME_LABEL, ServicePort, service_ports

log = logging.getLogger(__name__)

_BY_SERVICE = "service"


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """`min_sync_period`: seconds between transactions; `sync_period`: seconds after which all is written anew."""

    node_name: str
    min_sync_period: float = 0.05
    sync_period: float = 3600.0


@dataclass(slots=True)
class _Served:
    """What is in force for one Service: its ports by key, and their elements."""

    ports: dict[str, ServicePort] = field(default_factory=dict)
    elements: dict[str, Elements] = field(default_factory=dict)


# names as upstream's kube-proxy has them
_SYNC_SECONDS = metrics.histogram("kubeproxy_sync_proxy_rules_duration_seconds", "Time of one transaction")
_LAST_SYNC = metrics.gauge("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "When rules were last in force")
_FAILURES = metrics.counter("kubeproxy_sync_proxy_rules_failures_total", "Refused transactions")


class Proxier:
    """Serves Services on this node (in the network namespace of the process) while `run` runs."""

    def __init__(self, client: Client, config: ProxyConfig) -> None:
        self._config = config
        self._informers = InformerFactory(client)
        self._services = self._informers.informer(SERVICES)
        self._slices = self._informers.informer(ENDPOINT_SLICES)
        self._slices.add_index(_BY_SERVICE, _service_of)
        self._nftables = Nftables()
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._served: dict[str, _Served] = {}
        self._state: State | None = None
        self._last_full = 0.0
        self.synced = asyncio.Event()

    @property
    def healthy(self) -> bool:
        """Whether what is known is in force."""
        return self._state is not None

    async def run(self) -> None:
        """Serves until cancelled. The rules stay: connections go on while the proxy restarts."""
        prepare_kernel()
        _follow(self._services, meta.key, self._touch)
        _follow(self._slices, _service_key, self._touch)
        try:
            async with Tasks("proxy") as tasks:
                self._informers.start(tasks)
                await self._informers.wait_for_sync()
                await self._loop()
        finally:
            self._nftables.close()

    def _touch(self, service: str) -> None:
        if service:
            self._dirty.add(service)
            self._wake.set()

    async def _loop(self) -> None:
        while True:
            await self.sync()
            await clock.sleep(self._config.min_sync_period)
            try:
                async with asyncio.timeout(self._config.sync_period):
                    await self._wake.wait()
            except TimeoutError:
                self._state = None

    async def sync(self) -> None:
        """Puts everything known into force."""
        dirty, self._dirty = self._dirty, set()
        self._wake.clear()
        began = clock.monotonic()
        try:
            flows = await (self._sync_all() if self._state is None else self._sync_some(dirty, self._state))
        except NftablesError as error:
            log.error("the rules were refused and will be written anew: %s", error)
            _FAILURES.inc()
            self._state = None
            await clock.sleep(1.0)
            self._wake.set()
            return
        _SYNC_SECONDS.observe(clock.monotonic() - began)
        _LAST_SYNC.set(clock.time_seconds())
        self.synced.set()
        if flows:
            await asyncio.to_thread(conntrack.delete, flows)

    async def _sync_all(self) -> list[conntrack.StaleFlow]:
        before, self._served = self._served, {}
        for key in sorted(self._services.keys()):
            self._served[key] = self._compute(key)
        parts = [part for served in self._served.values() for part in served.elements.values()]
        text, state = full(parts)
        await self._nftables.run(text)
        self._state = state
        log.info("rules for %d services are in force", len(self._served))
        return self._flows(before, self._served)

    async def _sync_some(self, dirty: set[str], state: State) -> list[conntrack.StaleFlow]:
        change = Change(state)
        before = {key: self._served.get(key, _Served()) for key in dirty}
        after = {key: self._compute(key) for key in dirty}
        # what goes away goes first: its addresses may be another's in the same transaction
        for key in sorted(dirty, key=lambda key: bool(after[key].ports)):
            old, new = before[key].elements, after[key].elements
            for port in old.keys() | new.keys():
                change.replace(old.get(port), new.get(port))
            if after[key].ports:
                self._served[key] = after[key]
            else:
                self._served.pop(key, None)
        if change.beyond_capacity:
            return await self._sync_all()
        if change:
            await self._nftables.run(change.text())
        return self._flows(before, after)

    def _compute(self, key: str) -> _Served:
        service = self._services.get(key)
        if service is None:
            return _Served()
        slices = self._slices.by_index(_BY_SERVICE, key)
        ports = {p.key: p for p in service_ports(service, slices, node_name=self._config.node_name)}
        return _Served(ports, {name: elements(port) for name, port in ports.items()})

    @staticmethod
    def _flows(before: dict[str, _Served], after: dict[str, _Served]) -> list[conntrack.StaleFlow]:
        flows: list[conntrack.StaleFlow] = []
        for key in before.keys() | after.keys():
            old, new = before.get(key, _Served()).ports, after.get(key, _Served()).ports
            for port in old.keys() | new.keys():
                flows += conntrack.stale_flows(old.get(port), new.get(port))
        return flows


def _follow(informer: Informer, key: Callable[[dict[str, Any]], str], touch: Callable[[str], None]) -> None:
    """Touches the Service that a changed object belongs to, before and after the change."""

    def updated(old: dict[str, Any], new: dict[str, Any]) -> None:
        touch(key(old))
        touch(key(new))

    informer.add_handler(lambda obj: touch(key(obj)), updated, lambda obj: touch(key(obj)))


def _service_key(slice_: dict[str, Any]) -> str:
    name = meta.labels(slice_).get(SERVICE_NAME_LABEL)
    return f"{meta.namespace(slice_)}/{name}" if name else ""


def _service_of(slice_: dict[str, Any]) -> list[str]:
    key = _service_key(slice_)
    return [key] if key else []


def prepare_kernel() -> None:
    """Forwarding on; bridged packets between pods of one node pass the rules, too."""
    set_sysctl("net.ipv4.ip_forward", "1")
    set_sysctl("net.bridge.bridge-nf-call-iptables", "1")


async def cleanup() -> None:
    """Removes the proxy's table."""
    nftables = Nftables()
    try:
        await nftables.run(DELETE)
    finally:
        nftables.close()
