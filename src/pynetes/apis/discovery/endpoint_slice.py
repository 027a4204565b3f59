"""EndpointSlice."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_labels
from pynetes.apis.core.address_warnings import ip_warnings
from pynetes.apis.core.endpoint_address import validate_endpoint_ip
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors, parse_ip
from pynetes.apis.strategy import WHOLE, Object, Strategy

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_MAX_ENDPOINTS = 1000
_MAX_ADDRESSES = 100
_MAX_PORTS = 20000
_MAX_TOPOLOGY = 16
_MAX_HINTS = 8


class EndpointSliceStrategy(Strategy):
    update_metadata = WHOLE
    maintains_generation = True

    def default(self, obj: Object) -> None:
        for port in obj.get("ports") or ():
            if port.get("name") is None:
                port["name"] = ""
            if port.get("protocol") is None:
                port["protocol"] = "TCP"

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        _drop_topology(obj)

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)  # a topology that is dropped counts as a change
        if not semantic_equal(obj.get("endpoints"), old.get("endpoints")):
            _drop_topology(obj)

    def generation_changes(self, obj: Object, old: Object) -> bool:
        changed = super().generation_changes(obj, old)
        labels, before = obj["metadata"].get("labels"), old["metadata"].get("labels")
        return changed or not semantic_equal(labels, before, "labels")

    def validate(self, obj: Object) -> list[FieldError]:
        found = self._validate_shape(obj)
        _endpoints(found, obj)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = self._validate_shape(obj)
        if not semantic_equal(obj.get("endpoints"), old.get("endpoints")):
            _endpoints(found, obj)
        found.immutable("addressType", obj.get("addressType"), old.get("addressType"))
        return found

    def _validate_shape(self, obj: Object) -> FieldErrors:
        found = FieldErrors()
        found.one_of("addressType", obj.get("addressType"), _ADDRESS_TYPES)
        _ports(found, obj.get("ports") or [])
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        found = []
        if old is None and obj.get("addressType") == "FQDN":
            found.append("spec.addressType: FQDN endpoints are deprecated")
        if obj.get("addressType") == "IPv4":
            for index, endpoint in enumerate(obj.get("endpoints") or ()):
                for number, address in enumerate(endpoint.get("addresses") or ()):
                    found += ip_warnings(f"endpoints[{index}].addresses[{number}]", address)
        return found


def _drop_topology(obj: Object) -> None:
    """What v1beta1 called topology: only objects from before v1 have more of it than the node's name."""
    for endpoint in obj.get("endpoints") or ():
        endpoint.pop("deprecatedTopology", None)


def _ports(found: FieldErrors, ports: list[Object]) -> None:
    if len(ports) > _MAX_PORTS:
        found.too_many("ports", len(ports), _MAX_PORTS)
        return
    seen: set[str] = set()
    for index, port in enumerate(ports):
        own, name = f"ports[{index}]", port.get("name") or ""
        if name:
            found.rule(f"{own}.name", name, names.dns1123_label)
        if name in seen:
            found.duplicate(f"{own}.name", name)
        seen.add(name)
        found.choice(f"{own}.protocol", port.get("protocol"), _PROTOCOLS)
        if port.get("appProtocol") is not None:
            found.rule(f"{own}.appProtocol", port["appProtocol"], names.qualified_name)


def _endpoints(found: FieldErrors, endpoint_slice: Object) -> None:
    endpoints, kind = endpoint_slice.get("endpoints") or [], endpoint_slice.get("addressType") or ""
    if len(endpoints) > _MAX_ENDPOINTS:
        found.too_many("endpoints", len(endpoints), _MAX_ENDPOINTS)
        return
    for index, endpoint in enumerate(endpoints):
        own = f"endpoints[{index}]"
        addresses = endpoint.get("addresses") or []
        if not addresses:
            found.required(f"{own}.addresses", "must contain at least 1 address")
        elif len(addresses) > _MAX_ADDRESSES:
            found.too_many(f"{own}.addresses", len(addresses), _MAX_ADDRESSES)
        for number, address in enumerate(addresses):
            _address(found, address, kind, f"{own}.addresses", number)
        if endpoint.get("nodeName") is not None:
            found.rule(f"{own}.nodeName", endpoint["nodeName"], names.dns1123_subdomain)
        topology = endpoint.get("deprecatedTopology") or {}
        if len(topology) > _MAX_TOPOLOGY:
            found.too_many(f"{own}.deprecatedTopology", len(topology), _MAX_TOPOLOGY)
        found += validate_labels(topology, f"{own}.deprecatedTopology")
        if endpoint.get("hostname") is not None:
            found.rule(f"{own}.hostname", endpoint["hostname"], names.dns1123_label)
        hints = endpoint.get("hints") or {}
        _hints(found, hints.get("forZones") or [], names.label_value, f"{own}.hints.forZones")
        _hints(found, hints.get("forNodes") or [], names.dns1123_subdomain, f"{own}.hints.forNodes")


def _address(found: FieldErrors, address: str, kind: str, path: str, index: int) -> None:
    own = f"{path}[{index}]"
    if kind == "FQDN":
        if not found.present(own, address):
            return
        if found.rule(own, address, names.dns1123_subdomain) and "." not in address:
            found.invalid(own, address, "should be a domain with at least two segments separated by dots")
        return
    if kind not in ("IPv4", "IPv6"):
        return
    before = len(found)
    found.ip(own, address)
    parsed = parse_ip(address)
    if kind == "IPv6" and parsed is not None and len(found) == before and str(parsed) != address:
        found.invalid(own, address, f'must be in canonical form ("{parsed}")')
    if len(found) == before and parsed is not None:
        if f"IPv{parsed.version}" != kind:
            found.invalid(path, address, f"must be an {kind} address")
        validate_endpoint_ip(found, address, own)


def _hints(found: FieldErrors, hints: list[Object], rule: names.Rule, path: str) -> None:
    if len(hints) > _MAX_HINTS:
        found.too_many(path, len(hints), _MAX_HINTS)
        return
    seen: set[str] = set()
    for index, hint in enumerate(hints):
        own, name = f"{path}[{index}].name", hint.get("name") or ""
        if name in seen:
            found.duplicate(own, name)
        seen.add(name)
        found.rule(own, name, rule)
