"""Which way pods of other nodes are reached. Pure: from nodes and this node's links to a plan.

A node on a link of ours is a plain gateway. Any other is reached through VXLAN. The tunnel's ends need to agree on
nothing: an end's address is the first one of its node's pod CIDR (which no pod gets), its MAC is made out of that.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from msgspec import Struct, field

Object = dict[str, Any]

#: What VXLAN puts around a packet: outer IPv4, UDP, VXLAN and inner Ethernet headers.
VXLAN_OVERHEAD = 50


DEFAULT_MTU = 1500


class Link(Struct, frozen=True):
    """An interface of this node with one of its addresses. `is_uplink`: the default route leaves by it."""

    index: int
    address: IPv4Interface
    mtu: int = DEFAULT_MTU
    is_uplink: bool = False


class Direct(Struct, frozen=True):
    gateway: IPv4Address
    link: int


class Tunnel(Struct, frozen=True):
    """A node's end of the VXLAN."""

    node: IPv4Address
    end: IPv4Address

    @property
    def mac(self) -> str:
        return mac_of(self.end)


class Plan(Struct, frozen=True):
    """By pod CIDR. `own` is this node's end of the tunnel, None if it needs none.

    `mtu` is what pods may send in one packet, wherever to; `tunnel_mtu` what the tunnel carries.
    """

    direct: dict[IPv4Network, Direct] = field(default_factory=dict)
    tunnels: dict[IPv4Network, Tunnel] = field(default_factory=dict)
    own: Tunnel | None = None
    mtu: int = DEFAULT_MTU
    tunnel_mtu: int = 0


def plan(own_name: str, nodes: Iterable[Object], links: Iterable[Link]) -> Plan:
    """`nodes` are all of the cluster; those without an address or a pod CIDR have no pods yet."""
    links = list(links)
    found = {node["metadata"]["name"]: place for node in nodes if (place := place_of(node)) is not None}
    own = found.pop(own_name, None)
    mtus = [link.mtu for link in links if link.is_uplink]
    if own is None:
        return Plan(mtu=min(mtus, default=DEFAULT_MTU))
    direct: dict[IPv4Network, Direct] = {}
    tunnels: dict[IPv4Network, Tunnel] = {}
    for address, cidr in found.values():
        link = next((link for link in links if address in link.address.network), None)
        if link is not None:
            direct[cidr] = Direct(address, link.index)
            mtus.append(link.mtu)
        else:
            tunnels[cidr] = Tunnel(address, cidr.network_address)
    if not tunnels:
        return Plan(direct, mtu=min(mtus, default=DEFAULT_MTU))
    tunnel_mtu = _mtu_towards_nodes(own[0], links) - VXLAN_OVERHEAD
    return Plan(direct, tunnels, Tunnel(own[0], own[1].network_address), min([*mtus, tunnel_mtu]), tunnel_mtu)


def reach(nodes: Iterable[Object], links: Iterable[Link]) -> Plan:
    """For a machine that is no node: routes to the pods of nodes on its links."""
    links = list(links)
    direct: dict[IPv4Network, Direct] = {}
    for place in map(place_of, nodes):
        link = next((link for link in links if place and place[0] in link.address.network), None)
        if place is not None and link is not None:
            direct[place[1]] = Direct(place[0], link.index)
    return Plan(direct)


def _mtu_towards_nodes(own: IPv4Address, links: list[Link]) -> int:
    """Of the link that has the node's address, else of the uplink."""
    candidates = [link for link in links if link.address.ip == own] or [link for link in links if link.is_uplink]
    return min((link.mtu for link in candidates), default=DEFAULT_MTU)


def place_of(node: Object) -> tuple[IPv4Address, IPv4Network] | None:
    """A node's address and pod CIDR."""
    cidr = (node.get("spec") or {}).get("podCIDR") or ""
    addresses = (node.get("status") or {}).get("addresses") or ()
    internal = [
        entry["address"] for entry in addresses if entry["type"] == "InternalIP" and ":" not in entry["address"]
    ]
    if not internal or not cidr or ":" in cidr:
        return None
    return IPv4Address(internal[0]), IPv4Network(cidr)


def mac_of(end: IPv4Address) -> str:
    """A locally administered MAC that nobody else on the tunnel has."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x70, *end.packed))
