"""Endpoints."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.address_warnings import ip_warnings
from pynetes.apis.core.container_defaults import default_if_empty
from pynetes.apis.core.endpoint_address import validate_endpoint_ip
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_MANAGED_BY = "endpoints.kubernetes.io/managed-by"


class EndpointsStrategy(Strategy):
    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                default_if_empty(port, protocol="TCP")

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        for index, subset in enumerate(obj.get("subsets") or ()):
            _subset(found, subset, f"subsets[{index}]")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        # What was once accepted stays acceptable while it does not change.
        if semantic_equal(obj.get("subsets"), old.get("subsets")):
            return []
        return self.validate(obj)

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        if (obj["metadata"].get("labels") or {}).get(_MANAGED_BY) == "endpoint-controller":
            return []
        return [
            warning
            for index, subset in enumerate(obj.get("subsets") or ())
            for field in ("addresses", "notReadyAddresses")
            for number, address in enumerate(subset.get(field) or ())
            for warning in ip_warnings(f"subsets[{index}].{field}[{number}].ip", address.get("ip") or "")
        ]


def _subset(found: FieldErrors, subset: Object, path: str) -> None:
    if not subset.get("addresses") and not subset.get("notReadyAddresses"):
        found.required(path, "must specify `addresses` or `notReadyAddresses`")
    for field in ("addresses", "notReadyAddresses"):
        for index, address in enumerate(subset.get(field) or ()):
            _address(found, address, f"{path}.{field}[{index}]")
    ports = subset.get("ports") or []
    for index, port in enumerate(ports):
        own = f"{path}.ports[{index}]"
        if port.get("name"):
            found.rule(f"{own}.name", port["name"], names.dns1123_label)
        elif len(ports) > 1:
            found.required(f"{own}.name")
        found.rule(f"{own}.port", port.get("port") or 0, names.port_number)
        found.one_of(f"{own}.protocol", port.get("protocol"), _PROTOCOLS)
        if port.get("appProtocol") is not None:
            found.rule(f"{own}.appProtocol", port["appProtocol"], names.qualified_name)


def _address(found: FieldErrors, address: Object, path: str) -> None:
    ip = address.get("ip") or ""
    found.ip(f"{path}.ip", ip)
    if address.get("hostname"):
        found.rule(f"{path}.hostname", address["hostname"], names.dns1123_label)
    if address.get("nodeName") is not None:
        found.rule(f"{path}.nodeName", address["nodeName"], names.dns1123_subdomain)
    validate_endpoint_ip(found, ip, f"{path}.ip")
