"""The proxy's loop: what changed in Services and EndpointSlices becomes one transaction in the kernel.

Changes gather for a short while, so that a rollout costs a few transactions; the first change after a quiet time is
applied at once. When a transaction fails, at start, and when the node changes, the whole table is replaced.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from msgspec import Struct, field
from pyroute2.netlink.exceptions import NetlinkError

from pynetes.apimachinery import meta, times
from pynetes.apis.names import ENDPOINT_SLICES, NODES, SERVICE_CIDRS, SERVICES
from pynetes.client.informer import Informer, InformerFactory
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.nftables import Nftables, NftablesError
from pynetes.component.tasks import Tasks
from pynetes.proxy import conntrack, kernel, metrics, node
from pynetes.proxy.config import ProxyConfig
from pynetes.proxy.elements import Elements, elements
from pynetes.proxy.health import ProxyHealth
from pynetes.proxy.health_server import HealthServer
from pynetes.proxy.ruleset import Change, State, full, sweep
from pynetes.proxy.services import (
    HEADLESS_LABEL,
    PROXY_NAME_LABEL,
    SERVICE_NAME_LABEL,
    HealthCheck,
    ServicePort,
    health_check,
    service_ports,
)

log = logging.getLogger(__name__)

_BY_SERVICE = "service"
_CHANGED = "endpoints.kubernetes.io/last-change-trigger-time"
_SELECTOR = f"!{PROXY_NAME_LABEL},!{HEADLESS_LABEL}"

#: Seconds after which a chain that was emptied can be deleted, and a refused transaction is tried again.
_SWEEP_AFTER, _RETRY_AFTER = 1.0, 1.0


class _Served(Struct):
    """What is in force for one Service: its ports by key, and their elements."""

    ports: dict[str, ServicePort] = field(default_factory=dict)
    elements: dict[str, Elements] = field(default_factory=dict)
    health_check: HealthCheck | None = None

    def without_local_endpoints(self) -> tuple[int, int]:
        """How many ports keep traffic of the inside, of the outside, on a node that has no endpoint of theirs."""
        silent = [port for port in self.ports.values() if port.cluster]
        outside = [port for port in silent if port.node_port or len(port.addresses) > 1]
        return sum(not port.internal for port in silent), sum(not port.external for port in outside)


class Proxier:
    """Serves Services on this node (in the network namespace of the process) while `run` runs."""

    def __init__(self, client: Client, config: ProxyConfig) -> None:
        self._config = config
        self._informers = InformerFactory(client)
        self._services = self._informers.informer(SERVICES, label_selector=_SELECTOR)
        self._slices = self._informers.informer(ENDPOINT_SLICES, label_selector=_SELECTOR)
        self._slices.add_index(_BY_SERVICE, _service_of)
        self._nodes = self._informers.informer(NODES, field_selector=f"metadata.name={config.node_name}")
        self._cidrs = self._informers.informer(SERVICE_CIDRS)
        self._nftables = Nftables()
        self._dirty: set[str] = set()
        self._changes: list[float] = []
        self._started = clock.time_seconds()
        self._wake = asyncio.Event()
        self._served: dict[str, _Served] = {}
        self._silent: dict[str, tuple[int, int]] = {}
        self._health_checks: dict[str, HealthCheck] = {}
        self._state: State | None = None
        self._node = node.ThisNode(config.node_name)
        self._frame = config.frame(self._node, ())
        self.health = ProxyHealth(lambda: node.eligible(self._nodes.get(config.node_name)))
        self._health_server = HealthServer(self.health, client, config)
        self.synced = asyncio.Event()

    async def run(self) -> None:
        """Serves until cancelled. The rules stay: connections go on while the proxy restarts."""
        kernel.prepare(self._config)
        _follow(self._services, meta.key, partial(self._touch, "service"))
        _follow(self._slices, _service_key, partial(self._touch, "endpoint"))
        self._slices.add_handler(self._note_change, lambda old, new: self._note_change(new))
        for informer in (self._nodes, self._cidrs):
            informer.add_handler(self._node_changed, lambda old, new: self._node_changed(new), self._node_changed)
        try:
            async with Tasks("proxy") as tasks:
                tasks.start(self._health_server.run(), name="health")
                self._informers.start(tasks)
                for informer in (self._services, self._slices, self._nodes):
                    await informer.wait_for_sync()
                await self._loop()
        finally:
            self._nftables.close()

    def _touch(self, kind: str, service: str) -> None:
        if service:
            self._dirty.add(service)
            self._queue()
            metrics.queued(kind)

    def _note_change(self, slice_: dict[str, Any]) -> None:
        """Remembers when it happened, as the slice's controller tells; what is older than this process is not ours."""
        with contextlib.suppress(ValueError, KeyError):
            changed = times.parse_time(meta.annotations(slice_)[_CHANGED]).timestamp()
            if changed >= self._started:
                self._changes.append(changed)

    def _queue(self) -> None:
        self.health.queued()
        self._wake.set()

    def _node_changed(self, _: dict[str, Any]) -> None:
        """Nodes report often; only what the rules depend on makes work."""
        this = node.this_node(self._config.node_name, self._nodes.get(self._config.node_name))
        frame = self._config.frame(this, node.service_ranges(self._cidrs.list()))
        if (this, frame) != (self._node, self._frame):
            self._node, self._frame, self._state = this, frame, None
            self._queue()

    async def _loop(self) -> None:
        while True:
            await self.sync()
            await clock.sleep(self._config.min_sync_period)
            stale = self._state is not None and self._state.stale
            try:
                async with asyncio.timeout(_SWEEP_AFTER if stale else self._config.sync_period):
                    await self._wake.wait()
            except TimeoutError:
                if not stale:
                    self._state = None

    async def sync(self) -> None:
        """Puts everything known into force."""
        dirty, self._dirty = self._dirty, set()
        changes, self._changes = self._changes, []
        self._wake.clear()
        began = clock.monotonic()
        state = self._state
        try:
            await (self._sync_all() if state is None else self._sync_some(dirty, state))
        except NftablesError as error:
            log.error("the rules were refused and will be written anew: %s", error)
            metrics.failed()
            self._state = None
            self._changes += changes
            await clock.sleep(_RETRY_AFTER)
            self._wake.set()
            return
        self.health.updated()
        if self._wake.is_set():
            self.health.queued()
        metrics.synced(clock.monotonic() - began, full=state is None)
        for changed in changes:
            metrics.programmed(changed)
        touched: Iterable[str] = dirty
        if state is None:
            touched = self._served
            self._silent.clear()
            self._health_checks.clear()
        self._count_silent(touched)
        self.synced.set()
        self._tell_health(touched)
        await self._end_stale_flows(touched)

    async def _sync_all(self) -> None:
        services = sorted(self._services.list(), key=_age)
        self._served = {meta.key(service): self._compute(meta.key(service)) for service in services}
        parts = [part for served in self._served.values() for part in served.elements.values()]
        frame = self._frame
        text, state = full(parts, frame)
        await self._nftables.run(text)
        # the node may have changed meanwhile
        self._state = state if frame == self._frame else None
        log.info("rules for %d services are in force", len(self._served))

    async def _sync_some(self, dirty: Iterable[str], state: State) -> None:
        if not dirty:
            if swept := sweep(state):
                await self._nftables.run(swept)
            return
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
        if change.needs_full:
            await self._sync_all()
        elif change:
            await self._nftables.run(change.text())

    def _compute(self, key: str) -> _Served:
        service = self._services.get(key)
        if service is None:
            return _Served()
        slices = self._slices.by_index(_BY_SERVICE, key)
        ports = {p.key: p for p in service_ports(service, slices, self._node)}
        made = {name: elements(port) for name, port in ports.items()}
        return _Served(ports, made, health_check(service, slices, self._node))

    def _count_silent(self, services: Iterable[str]) -> None:
        for key in services:
            self._silent.pop(key, None)
            counts = self._served.get(key, _Served()).without_local_endpoints()
            if any(counts):
                self._silent[key] = counts
        metrics.without_local_endpoints(
            internal=sum(internal for internal, _ in self._silent.values()),
            external=sum(external for _, external in self._silent.values()),
        )

    def _tell_health(self, services: Iterable[str]) -> None:
        for key in services:
            self._health_checks.pop(key, None)
            if check := self._served.get(key, _Served()).health_check:
                self._health_checks[key] = check
        self._health_server.replace(self._health_checks, self._node.address)

    async def _end_stale_flows(self, services: Iterable[str]) -> None:
        ports = (port for key in services if key in self._served for port in self._served[key].ports.values())
        wanted = conntrack.expected(ports)
        if not wanted:
            return
        began = clock.monotonic()
        try:
            deleted = await asyncio.to_thread(conntrack.reconcile, wanted)
        except (NetlinkError, OSError) as error:
            log.error("stale flows are left till the rules are next written whole: %s", error)
            return
        metrics.reconciled(clock.monotonic() - began, deleted)


def _follow(informer: Informer, key: Callable[[dict[str, Any]], str], touch: Callable[[str], None]) -> None:
    """Touches the Service that a changed object belongs to, before and after the change."""

    def updated(old: dict[str, Any], new: dict[str, Any]) -> None:
        for service in {key(old), key(new)}:
            touch(service)

    informer.add_handler(lambda obj: touch(key(obj)), updated, lambda obj: touch(key(obj)))


def _age(service: dict[str, Any]) -> tuple[str, str]:
    return meta.creation_time(service), meta.key(service)


def _service_key(slice_: dict[str, Any]) -> str:
    name = meta.labels(slice_).get(SERVICE_NAME_LABEL)
    return f"{meta.namespace(slice_)}/{name}" if name else ""


def _service_of(slice_: dict[str, Any]) -> list[str]:
    key = _service_key(slice_)
    return [key] if key else []
