"""Takes cluster IPs and node ports with a Service's writes, and gives back what a Service no longer has."""

import copy
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from pynetes.apimachinery.errors import FieldError, StatusError, internal, invalid, invalid_value
from pynetes.apiserver.registry.hooks import Finish, Hooks
from pynetes.apiserver.registry.resource import raise_unavailable
from pynetes.apiserver.registry.services import families
from pynetes.apiserver.registry.services.allocator import AllocationError, PortAllocator, RangeFull
from pynetes.apiserver.registry.services.claims import Claims, Holdings, holdings
from pynetes.apiserver.registry.services.ranges import Ranges
from pynetes.component import clock
from pynetes.component.tasks import run_forever
from pynetes.storage import Store, StoreUnavailable

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: All Services, as they are when it is called.
Services = Callable[[], Awaitable[Iterable[Object]]]

_REPAIR_PERIOD = 180.0


class ServiceHooks(Hooks):
    """What is free is guessed from memory; the claims decide, as other API servers take from the same ranges."""

    def __init__(self, store: Store, cidrs: str, node_ports: tuple[int, int]) -> None:
        """`cidrs` are one or two networks, comma-separated, the default family's first."""
        self.ranges = Ranges(cidrs)
        self._claims = Claims(store)
        self._node_ports = node_ports
        self._remember(Holdings())

    def _remember(self, held: Holdings) -> None:
        """What is held is exactly this."""
        self.ranges.remember(held.addresses)
        self._ports = PortAllocator(*self._node_ports)
        for port in held.ports:
            with suppress(AllocationError):
                self._ports.take(port)

    async def rebuild(self, services: Services) -> None:
        """Claims what stored Services hold, and remembers what is held; before the first write."""
        await self._claims.repair(services)
        self._remember(await self._claims.held())

    async def run(self, services: Services) -> None:
        """Mends claims now and then, until cancelled."""

        async def repair() -> None:
            await self._claims.repair(services)

        await clock.sleep(_REPAIR_PERIOD)
        await run_forever(repair, period=_REPAIR_PERIOD, name="repair of cluster IPs and node ports")

    # --- the generic writes' hooks

    async def begin_create(self, obj: Object, dry_run: bool) -> Finish:
        spec = obj.setdefault("spec", {})
        families.normalize_cluster_ips(spec, None)
        return await self._begin(obj, None, dry_run)

    async def begin_update(self, obj: Object, old: Object, dry_run: bool) -> Finish:
        spec, old_spec = obj.setdefault("spec", {}), old.get("spec") or {}
        families.keep_allocated(spec, old_spec)
        families.normalize_cluster_ips(spec, old_spec)
        obj["metadata"]["namespace"] = old["metadata"].get("namespace", "")  # a client may leave it out
        return await self._begin(obj, old_spec, dry_run)

    async def after_delete(self, obj: Object) -> None:
        await self._give_back(obj, holdings(obj.get("spec") or {}))

    async def _begin(self, obj: Object, old: Object | None, dry_run: bool) -> Finish:
        before = holdings(old) if old is not None else Holdings()
        taken = await self._claim(obj, old, before, dry_run)

        async def finish(succeeded: bool | None) -> None:
            if succeeded is None:
                return
            if not succeeded:
                await self._give_back(obj, taken)
                return
            # Preparation may have dropped fields since (a type that needs no ports any more).
            after = holdings(obj["spec"])
            both = Holdings(before.addresses | taken.addresses, before.ports | taken.ports)
            await self._give_back(obj, both - after)

        return finish

    async def _claim(self, obj: Object, old: Object | None, before: Holdings, dry_run: bool) -> Holdings:
        """Takes what the Service needs and `before` does not have, into its spec.

        What turns out to be another's stays remembered as held: the next round finds something else, or that what was
        asked for by name is not to be had. Memory that refuses is brought up to date once.
        """
        given, remembered = copy.deepcopy(obj["spec"]), True
        while True:
            taken = Holdings()
            try:
                self._take(obj, old, before, taken)
            except StatusError:
                self._release(taken)
                if not remembered:
                    raise
                remembered = False
                await self._bring_up_to_date()
                obj["spec"] = copy.deepcopy(given)
                continue
            if dry_run or not taken:
                return taken
            try:
                lost = await self._claims.take(obj, taken)
            except StoreUnavailable as error:
                self._release(taken)
                raise_unavailable(error)
            if not lost:
                return taken
            await self._give_back(obj, taken - lost)
            obj["spec"] = copy.deepcopy(given)

    async def _bring_up_to_date(self) -> None:
        try:
            self._remember(await self._claims.held())
        except StoreUnavailable as error:
            raise_unavailable(error)

    async def _give_back(self, obj: Object, held: Holdings) -> None:
        self._release(held)
        try:
            await self._claims.release(obj, held)
        except StoreUnavailable as error:
            log.warning("cluster IPs and node ports of %s are given back later: %s", obj["metadata"], error)

    def _take(self, obj: Object, old: Object | None, before: Holdings, taken: Holdings) -> None:
        errors = families.settle(obj["spec"], old, self.ranges.families)
        if errors:
            raise _invalid(obj, errors)
        self._take_addresses(obj, before, taken)
        self._take_ports(obj, old, before, taken)

    def _release(self, held: Holdings) -> None:
        for address in held.addresses:
            self.ranges.release(address)
        for port in held.ports:
            self._ports.release(port)

    # --- addresses

    def _take_addresses(self, obj: Object, before: Holdings, taken: Holdings) -> None:
        spec = obj["spec"]
        if not families.needs_cluster_ip(spec) or families.is_headless(spec):
            return
        addresses = list(spec.get("clusterIPs") or [])
        for index, family in enumerate(spec.get("ipFamilies") or []):
            wanted = addresses[index] if index < len(addresses) else ""
            if wanted in before.addresses:
                continue
            found = self._take_one(obj, family, wanted, addresses)
            taken.addresses.add(found)
            addresses[index : index + 1] = [found]
        if addresses:
            spec["clusterIPs"] = addresses
            spec["clusterIP"] = addresses[0]

    def _take_one(self, obj: Object, family: str, wanted: str, addresses: list[str]) -> str:
        try:
            if not wanted:
                return self.ranges.take_any(family)
            self.ranges.take(wanted)
        except RangeFull as error:
            name = obj["metadata"].get("name")
            raise internal(f'failed to allocate a serviceIP for Service "{name}": {error}') from None
        except AllocationError as error:
            detail = f"failed to allocate IP {wanted}: {error}"
            raise _invalid(obj, [invalid_value("spec.clusterIPs", addresses, detail)]) from None
        return wanted

    # --- node ports

    def _take_ports(self, obj: Object, old: Object | None, before: Holdings, taken: Holdings) -> None:
        """A port for health checks is not exchanged for another: validation refuses it."""
        spec = obj["spec"]
        if spec.get("type") in ("NodePort", "LoadBalancer"):
            self._take_node_ports(obj, before, taken)
        if families.needs_health_check(spec):
            wanted = spec.get("healthCheckNodePort")
            if not wanted:
                spec["healthCheckNodePort"] = self._any_port(taken)
            elif wanted not in before.ports | taken.ports and not (
                old is not None and families.needs_health_check(old)
            ):
                self._health_check_port(wanted, taken)

    def _take_node_ports(self, obj: Object, before: Holdings, taken: Holdings) -> None:
        spec = obj["spec"]
        ports = spec.get("ports") or []
        # The same port number for several protocols gets one node port for all.
        shared = {port.get("port"): port["nodePort"] for port in reversed(ports) if port.get("nodePort")}
        for index, port in enumerate(ports):
            wanted = port.get("nodePort")
            if wanted:
                if wanted not in before.ports | taken.ports:
                    self._named_port(obj, wanted, f"spec.ports[{index}].nodePort", taken)
            elif families.needs_node_port(spec):
                known = shared.get(port.get("port"))
                if known and known not in before.ports | taken.ports:
                    self._named_port(obj, known, f"spec.ports[{index}].nodePort", taken)
                port["nodePort"] = known or self._any_port(taken)
                shared[port.get("port")] = port["nodePort"]

    def _health_check_port(self, port: int, taken: Holdings) -> None:
        try:
            self._ports.take(port)
        except AllocationError as error:
            raise internal(f"failed to allocate requested HealthCheck NodePort {port}: {error}") from None
        taken.ports.add(port)

    def _named_port(self, obj: Object, port: int, path: str, taken: Holdings) -> None:
        try:
            self._ports.take(port)
        except AllocationError as error:
            raise _invalid(obj, [invalid_value(path, port, str(error))]) from None
        taken.ports.add(port)

    def _any_port(self, taken: Holdings) -> int:
        try:
            port = self._ports.take_any()
        except AllocationError as error:
            raise internal(f"failed to allocate a nodePort: {error}") from None
        taken.ports.add(port)
        return port


def _invalid(obj: Object, errors: list[FieldError]) -> StatusError:
    return invalid("Service", "", obj["metadata"].get("name") or "", errors)
