"""Takes cluster IPs and node ports with a Service's writes, and gives back what a Service no longer has."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pynetes.apimachinery.errors import FieldError, StatusError, internal, invalid, invalid_value
from pynetes.apiserver.registry.hooks import Finish, Hooks
from pynetes.apiserver.registry.services import families
from pynetes.apiserver.registry.services.allocator import AllocationError, IPAllocator, PortAllocator, RangeFull

Object = dict[str, Any]


@dataclass(slots=True)
class Holdings:
    """What one Service holds."""

    addresses: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)


def holdings(spec: Object) -> Holdings:
    held = Holdings()
    if families.needs_cluster_ip(spec) and not families.is_headless(spec):
        held.addresses = {address for address in spec.get("clusterIPs") or [] if address}
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        held.ports = {port["nodePort"] for port in spec.get("ports") or [] if port.get("nodePort")}
    if families.needs_health_check(spec) and spec.get("healthCheckNodePort"):
        held.ports.add(spec["healthCheckNodePort"])
    return held


class ServiceHooks(Hooks):
    def __init__(self, cidrs: str, node_ports: tuple[int, int]) -> None:
        """`cidrs` are one or two networks, comma-separated, the default family's first."""
        networks = [ipaddress.ip_network(cidr.strip()) for cidr in cidrs.split(",")]
        self._addresses = {allocator.family: allocator for allocator in map(IPAllocator, networks)}
        self._ports = PortAllocator(*node_ports)

    def rebuild(self, services: Iterable[Object]) -> None:
        """Marks as held what stored Services hold; called once, before the first write."""
        for service in services:
            held = holdings(service.get("spec") or {})
            for address in held.addresses:
                self._try(lambda address=address: self._take_address(address))
            for port in held.ports:
                self._try(lambda port=port: self._ports.take(port))

    @staticmethod
    def _try(take: Any) -> None:
        try:
            take()
        except AllocationError:
            return

    # --- the generic writes' hooks

    def begin_create(self, obj: Object, dry_run: bool) -> Finish:
        spec = obj.setdefault("spec", {})
        families.normalize_cluster_ips(spec, None)
        return self._take(obj, None, dry_run)

    def begin_update(self, obj: Object, old: Object, dry_run: bool) -> Finish:
        spec, old_spec = obj.setdefault("spec", {}), old.get("spec") or {}
        families.keep_allocated(spec, old_spec)
        families.normalize_cluster_ips(spec, old_spec)
        return self._take(obj, old_spec, dry_run)

    def after_delete(self, obj: Object) -> None:
        self._release(holdings(obj.get("spec") or {}))

    def _take(self, obj: Object, old: Object | None, dry_run: bool) -> Finish:
        spec = obj["spec"]
        errors = families.settle(spec, old, list(self._addresses))
        if errors:
            raise _invalid(obj, errors)
        before = holdings(old) if old is not None else Holdings()
        taken = Holdings()
        try:
            self._take_addresses(obj, before, taken)
            self._take_ports(obj, before, taken)
        except StatusError:
            self._release(taken)
            raise

        def finish(succeeded: bool | None) -> None:
            if succeeded is None:
                return
            if not succeeded:
                self._release(taken)
                return
            # Preparation may have dropped fields since (a type that needs no ports any more).
            after = holdings(obj["spec"])
            self._release(
                Holdings(
                    (before.addresses | taken.addresses) - after.addresses, (before.ports | taken.ports) - after.ports
                )
            )

        return finish

    def _release(self, held: Holdings) -> None:
        for address in held.addresses:
            allocator = self._addresses.get(families.family_of(address))
            if allocator is not None:
                allocator.release(address)
        for port in held.ports:
            self._ports.release(port)

    # --- addresses

    def _take_address(self, address: str) -> None:
        allocator = self._addresses.get(families.family_of(address))
        if allocator is None:
            raise AllocationError("the provided network does not match the current range")
        allocator.take(address)

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
                return self._addresses[family].take_any()
            self._take_address(wanted)
        except RangeFull as error:
            name = obj["metadata"].get("name")
            raise internal(f'failed to allocate a serviceIP for Service "{name}": {error}') from None
        except AllocationError as error:
            detail = f"failed to allocate IP {wanted}: {error}"
            raise _invalid(obj, [invalid_value("spec.clusterIPs", addresses, detail)]) from None
        return wanted

    # --- node ports

    def _take_ports(self, obj: Object, before: Holdings, taken: Holdings) -> None:
        spec = obj["spec"]
        if spec.get("type") in ("NodePort", "LoadBalancer"):
            self._take_node_ports(obj, before, taken)
        if families.needs_health_check(spec):
            wanted = spec.get("healthCheckNodePort")
            if not wanted:
                spec["healthCheckNodePort"] = self._any_port(taken)
            elif wanted not in before.ports | taken.ports:
                self._named_port(obj, wanted, "spec.healthCheckNodePort", taken)

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
