"""NetworkPolicy."""

import ipaddress
from typing import Any

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.field_errors import FieldErrors, parse_cidr
from pynetes.apis.strategy import CHANGE, Object, Strategy

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")
_DIRECTIONS = (("ingress", "from"), ("egress", "to"))


class NetworkPolicyStrategy(Strategy):
    update_metadata = CHANGE
    maintains_generation = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("podSelector", {})
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
        for direction, _ in _DIRECTIONS:
            for rule in spec.get(direction) or ():
                for port in (rule or {}).get("ports") or ():
                    if port.get("protocol") is None:
                        port["protocol"] = "TCP"

    def validate(self, obj: Object) -> list[FieldError]:
        return _validate_spec(obj["spec"], [])

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        earlier = []
        for direction, peers in _DIRECTIONS:
            for rule in old["spec"].get(direction) or ():
                for peer in rule.get(peers) or ():
                    block = peer.get("ipBlock") or {}
                    earlier += [block["cidr"]] if block.get("cidr") else []
                    earlier += [*(block.get("except") or ())]
        return _validate_spec(obj["spec"], earlier)


def _validate_spec(spec: Object, earlier: list[str]) -> FieldErrors:
    found = FieldErrors(validate_label_selector(spec.get("podSelector"), "spec.podSelector"))
    for direction, peers in _DIRECTIONS:
        for index, rule in enumerate(spec.get(direction) or ()):
            own = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                _port(found, port, f"{own}.ports[{number}]")
            for number, peer in enumerate(rule.get(peers) or ()):
                _peer(found, peer, earlier, f"{own}.{peers}[{number}]")
    types = spec.get("policyTypes") or []
    if len(types) > len(_TYPES):
        found.invalid("spec.policyTypes", types, "may not specify more than two policyTypes")
        return found
    for index, kind in enumerate(types):
        if kind not in _TYPES:
            found.not_supported(f"spec.policyTypes[{index}]", kind, _TYPES)
    return found


def _port(found: FieldErrors, port: Object, path: str) -> None:
    protocol, number, end = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in _PROTOCOLS:
        found.not_supported(f"{path}.protocol", protocol, _PROTOCOLS)
    if number is None:
        if end is not None:
            found.invalid(f"{path}.endPort", end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        if end is not None:
            found.invalid(f"{path}.endPort", end, "may not be specified when `port` is non-numeric")
        found.rule(f"{path}.port", number, names.port_name)
    else:
        found.rule(f"{path}.port", number, names.port_number)
        if end is not None:
            if end < number:
                found.invalid(f"{path}.endPort", number, "must be greater than or equal to `port`")
            found.rule(f"{path}.endPort", end, names.port_number)


def _peer(found: FieldErrors, peer: Object, earlier: list[str], path: str) -> None:
    given = [kind for kind in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(kind) is not None]
    for kind in given:
        if kind == "ipBlock":
            _ip_block(found, peer[kind], earlier, f"{path}.ipBlock")
        else:
            found += validate_label_selector(peer[kind], f"{path}.{kind}")
    if not given:
        found.required(path, "must specify a peer")
    elif len(given) > 1 and "ipBlock" in given:
        found.forbidden(path, "may not specify both ipBlock and another peer")


def _ip_block(found: FieldErrors, block: Object, earlier: list[str], path: str) -> None:
    cidr = block.get("cidr") or ""
    if not found.present(f"{path}.cidr", cidr):
        return
    found.cidr(f"{path}.cidr", cidr, earlier)
    outer = parse_cidr(cidr)
    if outer is None:
        return
    for index, exception in enumerate(block.get("except") or ()):
        own = f"{path}.except[{index}]"
        found.cidr(own, exception, earlier)
        inner = parse_cidr(exception)
        if inner is not None and not _strictly_inside(inner.network, outer.network):
            found.invalid(own, exception, "must be a strict subset of `cidr`")


def _strictly_inside(
    inner: ipaddress.IPv4Network | ipaddress.IPv6Network, outer: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    if inner.version != outer.version or inner.prefixlen <= outer.prefixlen:
        return False
    contains: Any = outer
    return bool(inner.subnet_of(contains))
