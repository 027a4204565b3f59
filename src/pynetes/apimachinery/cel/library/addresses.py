"""IP addresses and networks."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pynetes.apimachinery.cel.cost import ONE, TRAVERSAL, CallEstimate, Estimator, Node, Range, string_cost
from pynetes.apimachinery.cel.declarations import Function, Overload, StaticCost
from pynetes.apimachinery.cel.library.estimates import estimate_nominal, estimate_traversal, nominal, traversal
from pynetes.apimachinery.cel.types import BOOL, INT, STRING, Type, opaque
from pynetes.apimachinery.cel.values import CelError, no_such_overload, size_of
from pynetes.apimachinery.quoting import go_quoted

IP_TYPE, CIDR_TYPE = opaque("net.IP"), opaque("net.CIDR")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class IP:
    __slots__ = ("address",)
    cel_type: ClassVar[Type] = IP_TYPE

    def __init__(self, address: Address) -> None:
        self.address = address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IP) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __str__(self) -> str:
        return str(self.address)

    def cost_size(self) -> int:
        return self.address.max_prefixlen // 8


class CIDR:
    """An address with the length of its prefix; the bits behind it are kept."""

    __slots__ = ("address", "bits")
    cel_type: ClassVar[Type] = CIDR_TYPE

    def __init__(self, address: Address, bits: int) -> None:
        self.address, self.bits = address, bits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CIDR) and (other.address, other.bits) == (self.address, self.bits)

    def __hash__(self) -> int:
        return hash((self.address, self.bits))

    def __str__(self) -> str:
        return f"{self.address}/{self.bits}"

    def cost_size(self) -> int:
        return -(-self.bits // 8)

    def prefix(self, address: Address) -> int:
        return int(address) >> (self.address.max_prefixlen - self.bits)

    def contains(self, address: Address) -> bool:
        return address.version == self.address.version and self.prefix(address) == self.prefix(self.address)

    def masked(self) -> "CIDR":
        shift = self.address.max_prefixlen - self.bits
        return CIDR(type(self.address)(self.prefix(self.address) << shift), self.bits)


def _parse_address(text: str) -> Address:
    """Go's netip.ParseAddr; ValueError in its words."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"ParseAddr({go_quoted(text)}): {_reason(text)}") from None


def _reason(text: str) -> str:
    if ":" in text:
        return "unable to parse IP" if not re.search(r"[^0-9a-fA-F:.%]", text) else _odd(text, r"[^0-9a-fA-F:.%]")
    if "." not in text:
        return "unable to parse IP"
    odd = re.search(r"[^0-9.]", text)
    if odd is not None:
        return _odd(text, r"[^0-9.]")
    fields = text.split(".")
    if any(not field for field in fields):
        return f"IPv4 field must have at least one digit (at {go_quoted(text[text.find('..') + 1 :])})"
    if any(len(field) > 1 and field[0] == "0" for field in fields):
        return "IPv4 field has octet with leading zero"
    if any(int(field) > 255 for field in fields if len(field) < 10):
        return "IPv4 field has value >255"
    return "IPv4 address too long" if len(fields) > 4 else "IPv4 address too short"


def _odd(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    assert match is not None
    return f"unexpected character (at {go_quoted(text[match.start() :])})"


def _mapped(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def _parse_ip(text: str) -> Address:
    try:
        address = _parse_address(text)
    except ValueError as error:
        raise CelError(f"IP Address {go_quoted(text)} parse error during conversion from string: {error}") from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise CelError(f"IP address {go_quoted(text)} with zone value is not allowed")
    if _mapped(address):
        raise CelError(f"IPv4-mapped IPv6 address {go_quoted(text)} is not allowed")
    return address


def _ip(text: str) -> IP:
    return IP(_parse_ip(text))


def _is(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def run(text: str) -> bool:
        try:
            parse(text)
        except CelError:
            return False
        return True

    return run


def _cidr(text: str) -> CIDR:
    what = "network address parse error during conversion from string: "
    slash = text.rfind("/")
    problem = ""
    if slash < 0:
        problem = "no '/'"
    else:
        digits = text[slash + 1 :]
        try:
            address = _parse_address(text[:slash])
        except ValueError as error:
            raise CelError(f"{what}{what}netip.ParsePrefix({go_quoted(text)}): {error}") from None
        if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
            problem = "IPv6 zones cannot be present in a prefix"
        elif not re.fullmatch(r"0|[1-9][0-9]*", digits, re.ASCII):
            problem = f"bad bits after slash: {go_quoted(digits)}"
        elif len(digits) > 3 or int(digits) > address.max_prefixlen:
            problem = "prefix length out of range"
    if problem:
        raise CelError(f"{what}{what}netip.ParsePrefix({go_quoted(text)}): {problem}")
    if _mapped(address):
        raise CelError(f"{what}IPv4-mapped IPv6 address {go_quoted(str(address))} is not allowed")
    return CIDR(address, int(digits))


def _is_canonical(text: str) -> bool:
    return str(_parse_ip(text)) == text


def _global_unicast(ip: IP) -> bool:
    """Go's: everything but unspecified, loopback, multicast, link-local and the broadcast address."""
    address = ip.address
    excluded = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not excluded and str(address) != "255.255.255.255"


def _link_local_multicast(ip: IP) -> bool:
    if ip.address.version == 4:
        return int(ip.address) >> 8 == 0xE00000
    return int(ip.address) >> 112 & 0xFF0F == 0xFF02


def _contains_ip(cidr: CIDR, other: Any) -> bool:
    if isinstance(other, str):
        try:
            return cidr.contains(_parse_ip(other))
        except CelError:
            # The original loses the reason here, though not for networks.
            raise no_such_overload() from None
    return cidr.contains(other.address)


def _contains_cidr(cidr: CIDR, other: Any) -> bool:
    inner = _cidr(other) if isinstance(other, str) else other
    return cidr.bits <= inner.bits and cidr.contains(inner.address)


def _contains_cost(extra: bool) -> Callable[[Sequence[Any], Any], int]:
    def cost(args: Sequence[Any], result: Any) -> int:
        size = size_of(args[0])
        total = string_cost(size + size)
        if extra:
            total += string_cost(size) + 1
        return total + (string_cost(len(args[1])) if isinstance(args[1], str) else 0)

    return cost


def _contains_estimate(extra: bool, of_text: bool) -> StaticCost:
    def estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
        size = Range(4, 16)
        total = size.plus(size).by(TRAVERSAL)
        if extra:
            total = total.plus(size.by(TRAVERSAL)).plus(ONE)
        return CallEstimate(total.plus(estimator.size(args[0]).by(TRAVERSAL)) if of_text else total)

    return estimate


def _accessor(name: str, overload: str, of: Type, result: Type, run: Callable[[Any], Any]) -> Function:
    made = [Overload(overload, (of,), result, run, member=True, cost=nominal, estimate=estimate_nominal)]
    return Function(name, made)


def _containing(name: str, run: Callable[..., bool], other: Type, ids: tuple[str, str], extra: bool) -> Function:
    return Function(
        name,
        [
            Overload(
                ids[0],
                (CIDR_TYPE, STRING),
                BOOL,
                run,
                member=True,
                cost=_contains_cost(extra),
                estimate=_contains_estimate(extra, True),
            ),
            Overload(
                ids[1],
                (CIDR_TYPE, other),
                BOOL,
                run,
                member=True,
                cost=_contains_cost(extra),
                estimate=_contains_estimate(extra, False),
            ),
        ],
    )


def declared() -> list[Function]:
    def parsing(name: str, overload: str, result: Type, run: Callable[[str], Any], factor: int = 1) -> Function:
        made = Overload(overload, (STRING,), result, run, cost=traversal(factor), estimate=estimate_traversal(factor))
        return Function(name, [made])

    return [
        parsing("ip", "string_to_ip", IP_TYPE, _ip),
        _accessor("ip", "cidr_ip", CIDR_TYPE, IP_TYPE, lambda cidr: IP(cidr.address)),
        parsing("isIP", "is_ip", BOOL, _is(_parse_ip)),
        parsing("ip.isCanonical", "ip_is_canonical", BOOL, _is_canonical, 2),
        parsing("cidr", "string_to_cidr", CIDR_TYPE, _cidr),
        parsing("isCIDR", "is_cidr", BOOL, _is(_cidr)),
        _accessor("family", "ip_family", IP_TYPE, INT, lambda ip: ip.address.version),
        _accessor("isUnspecified", "ip_is_unspecified", IP_TYPE, BOOL, lambda ip: ip.address.is_unspecified),
        _accessor("isLoopback", "ip_is_loopback", IP_TYPE, BOOL, lambda ip: ip.address.is_loopback),
        _accessor("isLinkLocalMulticast", "ip_is_link_local_multicast", IP_TYPE, BOOL, _link_local_multicast),
        _accessor("isLinkLocalUnicast", "ip_is_link_local_unicast", IP_TYPE, BOOL, lambda ip: ip.address.is_link_local),
        _accessor("isGlobalUnicast", "ip_is_global_unicast", IP_TYPE, BOOL, _global_unicast),
        _accessor("prefixLength", "cidr_prefix_length", CIDR_TYPE, INT, lambda cidr: cidr.bits),
        _accessor("masked", "cidr_masked", CIDR_TYPE, CIDR_TYPE, CIDR.masked),
        _containing("containsIP", _contains_ip, IP_TYPE, ("cidr_contains_ip_string", "cidr_contains_ip_ip"), False),
        _containing(
            "containsCIDR", _contains_cidr, CIDR_TYPE, ("cidr_contains_cidr_string", "cidr_contains_cidr"), True
        ),
        Function(
            "string",
            [
                Overload("ip_to_string", (IP_TYPE,), STRING, str),
                Overload("cidr_to_string", (CIDR_TYPE,), STRING, str),
            ],
        ),
    ]
