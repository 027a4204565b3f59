"""FieldErrors: a list of field errors with the checks that many kinds share.

A validation function gets one, adds to it, and nothing is thrown: clients see all that is wrong at once. Texts are
upstream's, because clients match them.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pynetes.apimachinery import errors, names, quantity
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.equality import semantic_equal

IMMUTABLE = "field is immutable"
_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_LEADING_ZERO = re.compile(r"(^|\.)0\d", re.ASCII)
_SELECTOR = frozenset(("matchLabels", "matchExpressions"))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class FieldErrors(list[FieldError]):
    # plain errors

    def required(self, path: str, detail: str = "") -> None:
        self.append(errors.required(path, detail))

    def invalid(self, path: str, value: Any, detail: str) -> None:
        self.append(errors.invalid_value(path, value, detail))

    def forbidden(self, path: str, detail: str) -> None:
        self.append(errors.field_forbidden(path, detail))

    def duplicate(self, path: str, value: Any) -> None:
        self.append(errors.duplicate(path, value))

    def internal(self, path: str, detail: str) -> None:
        self.append(errors.internal_error(path, detail))

    def not_found(self, path: str, value: Any) -> None:
        self.append(errors.field_not_found(path, value))

    def not_supported(self, path: str, value: Any, supported: Iterable[str]) -> None:
        self.append(errors.not_supported(path, value, supported))

    def too_long(self, path: str, maximum: int) -> None:
        self.append(errors.too_long(path, maximum))

    def too_many(self, path: str, actual: int, maximum: int) -> None:
        self.append(errors.too_many(path, actual, maximum))

    # checks

    def rule(self, path: str, value: Any, rule: Callable[[Any], Sequence[str]]) -> bool:
        """One error for each message of a rule of `apimachinery.names`; whether there were none."""
        messages = rule(value)
        for message in messages:
            self.invalid(path, value, message)
        return not messages

    def required_rule(self, path: str, value: str | None, rule: Callable[[str], Sequence[str]]) -> bool:
        """Required, and right."""
        if not value:
            self.required(path)
            return False
        return self.rule(path, value, rule)

    def present(self, path: str, value: Any, detail: str = "") -> bool:
        if not value:
            self.required(path, detail)
        return bool(value)

    def one_of(self, path: str, value: str | None, allowed: Sequence[str]) -> None:
        """Required, and one of `allowed`, which the message lists in the given order."""
        if not value:
            self.required(path)
        elif value not in allowed:
            self.not_supported(path, value, allowed)

    def choice(self, path: str, value: str | None, allowed: Sequence[str]) -> None:
        """Required; the empty text is one that is not supported."""
        if value is None:
            self.required(path)
        elif value not in allowed:
            self.not_supported(path, value, allowed)

    def non_negative(self, path: str, value: int | None) -> None:
        if value is not None and value < 0:
            self.invalid(path, value, "must be greater than or equal to 0")

    def non_negative_quantity(self, path: str, value: Any) -> None:
        amount = quantity.parse(value)
        if amount < _ZERO:
            self.invalid(path, str(amount), "must be greater than or equal to 0")

    def immutable(self, path: str, new: Any, old: Any) -> None:
        if not semantic_equal(new, old, path.rpartition(".")[2]):
            if isinstance(new, dict) and new and new.keys() <= _SELECTOR:
                new = shown_selector(new)
            self.invalid(path, new, IMMUTABLE)

    def ip(self, path: str, value: str, earlier: Iterable[str] = ()) -> Address | None:
        """An address of a long-standing field; values that the object had before remain allowed."""
        if value in earlier:
            return None
        address = parse_ip(value)
        if address is None:
            self.invalid(path, value, _IP)
        elif "." in value and _LEADING_ZERO.search(value.rpartition(":")[2]):
            self.invalid(path, value, "must not have leading 0s")
        elif isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            self.invalid(path, value, "must not be an IPv4-mapped IPv6 address")
        return address

    def cidr(self, path: str, value: str, earlier: Iterable[str] = ()) -> Network | None:
        if value in earlier:
            return None
        network = parse_cidr(value)
        if network is None:
            self.invalid(path, value, _CIDR)
            return None
        text, _, bits = value.partition("/")
        if isinstance(network, ipaddress.IPv6Interface) and network.ip.ipv4_mapped:
            self.invalid(path, value, "must not have an IPv4-mapped IPv6 address")
        elif "." in text and _LEADING_ZERO.search(text.rpartition(":")[2]):
            self.invalid(path, value, "must not have leading 0s in IP")
        elif len(bits) > 1 and bits.startswith("0"):
            self.invalid(path, value, "must not have leading 0s in prefix length")
        elif network.ip != network.network.network_address:
            self.invalid(
                path, value, f'must not have bits set beyond the prefix length (did you mean "{network.network}")'
            )
        return network

    def port_number_or_name(self, path: str, value: int | str | None) -> None:
        if isinstance(value, str):
            self.rule(path, value, names.port_name)
        else:
            self.rule(path, value or 0, names.port_number)


def go_struct(obj: Mapping[str, Any] | None, **fields: Any) -> dict[str, Any] | None:
    """An object as messages show those of upstream's internal types: `fields` are Go's names in their order, with what
    an absent one is."""
    if obj is None:
        return None
    return {name: obj.get(name[0].lower() + name[1:], absent) for name, absent in fields.items()}


def shown_selector(selector: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A label selector in the order in which messages show it."""
    if selector is None:
        return None
    out: dict[str, Any] = {}
    if selector.get("matchLabels"):
        out["matchLabels"] = dict(sorted(selector["matchLabels"].items()))
    order = ("key", "operator", "values")
    if selector.get("matchExpressions"):
        out["matchExpressions"] = [
            {key: each.get(key, "") for key in order if key != "values" or each.get(key)}
            for each in selector["matchExpressions"]
        ]
    return out


_ZERO = quantity.parse("0")


def parse_ip(value: str) -> Address | None:
    """An address, leniently: leading zeros are read as decimal."""
    head, colon, tail = value.rpartition(":")
    if "." in tail:
        tail = ".".join(str(int(part)) if part.isdecimal() and part.isascii() else part for part in tail.split("."))
    if "%" in value:
        return None
    try:
        return ipaddress.ip_address(head + colon + tail)
    except ValueError:
        return None


def parse_cidr(value: str) -> Network | None:
    text, slash, bits = value.partition("/")
    address = parse_ip(text)
    if address is None or not slash or not bits.isdecimal() or int(bits) > address.max_prefixlen:
        return None
    return ipaddress.ip_interface(f"{address}/{int(bits)}")
