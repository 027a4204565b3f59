"""IPAddress and ServiceCIDR: which cluster IPs there are and who has them."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import IMMUTABLE, FieldErrors, parse_ip
from pynetes.apis.strategy import CHANGE, RESET_METADATA, Object, Strategy

MANAGED_BY, OF_SERVICES = "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io"
"""The label of an IPAddress, and what it says of those that API servers made for Services."""


def _ip_name(name: str) -> list[str]:
    address = parse_ip(name)
    if address is None:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return [] if str(address) == name else [f'must be in canonical form ("{address}")']


class IPAddressStrategy(Strategy):
    name_rule = staticmethod(_ip_name)

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        parent = (obj.get("spec") or {}).get("parentRef")
        if parent is None:
            found.required("spec.parentRef")
            return found
        path = "spec.parentRef"
        if parent.get("group"):
            found.rule(f"{path}.group", parent["group"], names.dns1123_subdomain)
        for field in ("resource", "name"):
            found.required_rule(f"{path}.{field}", parent.get(field), names.path_segment_name)
        if parent.get("namespace"):
            found.rule(f"{path}.namespace", parent["namespace"], names.path_segment_name)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable(
            "spec.parentRef", (obj.get("spec") or {}).get("parentRef"), (old.get("spec") or {}).get("parentRef")
        )
        return found


class ServiceCIDRStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True
    status_keeps_metadata = RESET_METADATA

    def validate(self, obj: Object) -> list[FieldError]:
        found, cidrs = FieldErrors(), (obj.get("spec") or {}).get("cidrs") or []
        if not cidrs:
            found.required("spec.cidrs", "at least one CIDR required")
            return found
        if len(cidrs) > 2:
            found.invalid("spec.cidrs", {"CIDRs": cidrs}, "may only hold up to 2 values")
            return found
        networks = [found.cidr(f"spec.cidrs[{index}]", cidr) for index, cidr in enumerate(cidrs)]
        versions = [network.version for network in networks if network is not None]
        if len(versions) == 2 and len(set(versions)) == 1:
            detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
            found.invalid("spec.cidrs", cidrs, detail)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        sent, before = (obj.get("spec") or {}).get("cidrs"), (old.get("spec") or {}).get("cidrs") or []
        new = sent or []
        found = FieldErrors()
        if len(before) == 1 and len(new) == 2:  # single stack may become dual stack
            if new[0] != before[0]:
                found.invalid("spec.cidrs[0]", new[0], IMMUTABLE)
            return found + self.validate(obj)
        if len(before) == len(new):
            for index, (cidr, earlier) in enumerate(zip(new, before, strict=True)):
                found.immutable(f"spec.cidrs[{index}]", cidr, earlier)
        else:
            found.invalid("spec.cidrs", sent, IMMUTABLE)
        return found
