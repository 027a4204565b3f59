"""Brings a plan of routes into the kernel, and takes away what an earlier plan has left. Blocking: call it in a thread.

Routes of ours bear a protocol number of their own, so that nobody else's are touched.
"""

import socket
from ipaddress import IPv4Interface

from pyroute2 import IPRoute

from pynetes.network.cni import BRIDGE
from pynetes.network.routes import Link, Plan

INTERFACE = "pynetes-vxlan"
VNI, PORT = 1, 4789
PROTOCOL = 157
_MAIN_TABLE = 254
_PERMANENT = 0x80


def links() -> list[Link]:
    """This node's interfaces with IPv4 addresses; neither loopback nor those of the pod network itself."""
    with IPRoute() as netlink:
        uplinks = {route.get_attr("RTA_OIF") for route in netlink.get_default_routes(family=socket.AF_INET)}
        known = {link["index"]: link for link in netlink.get_links()}
        found = []
        for message in netlink.get_addr(family=socket.AF_INET):
            index = message["index"]
            link = known.get(index)
            if link is None or link.get_attr("IFLA_IFNAME") in ("lo", INTERFACE, BRIDGE):
                continue
            local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
            address = IPv4Interface(f"{local}/{message['prefixlen']}")
            found.append(Link(index, address, int(link.get_attr("IFLA_MTU")), index in uplinks))
        return found


def apply(plan: Plan) -> None:
    """Idempotent: what is in place already is left alone."""
    with IPRoute() as netlink:
        device = _ensure_device(netlink, plan)
        wanted = {str(cidr): (str(way.gateway), way.link) for cidr, way in plan.direct.items()}
        wanted |= {str(cidr): (str(way.end), device) for cidr, way in plan.tunnels.items()}
        present = _present(netlink)
        for cidr in present.keys() - wanted.keys():
            netlink.route("del", dst=cidr, proto=PROTOCOL)
        for way in plan.tunnels.values():
            netlink.neigh("replace", dst=str(way.end), lladdr=way.mac, ifindex=device, state=_PERMANENT)
        for cidr, (gateway, link) in wanted.items():
            if present.get(cidr) != (gateway, link):
                netlink.route("replace", dst=cidr, gateway=gateway, oif=link, proto=PROTOCOL, flags=["onlink"])


def remove() -> None:
    """Takes all of it away."""
    apply(Plan())


def remove_bridge() -> bool:
    """Takes the pods' bridge away unless pods are connected to it; False if it stays."""
    with IPRoute() as netlink:
        index = next(iter(netlink.link_lookup(ifname=BRIDGE)), 0)
        if not index:
            return True
        if netlink.get_links(master=index):
            return False
        netlink.link("del", index=index)
        return True


def _present(netlink: IPRoute) -> dict[str, tuple[str, int]]:
    found = {}
    for route in netlink.get_routes(family=socket.AF_INET, table=_MAIN_TABLE):
        if route["proto"] == PROTOCOL:
            cidr = f"{route.get_attr('RTA_DST')}/{route['dst_len']}"
            found[cidr] = (str(route.get_attr("RTA_GATEWAY")), int(route.get_attr("RTA_OIF") or 0))
    return found


def _ensure_device(netlink: IPRoute, plan: Plan) -> int:
    """The VXLAN device with its neighbours' places; its index, 0 if none is needed."""
    index = next(iter(netlink.link_lookup(ifname=INTERFACE)), 0)
    if plan.own is None:
        if index:
            netlink.link("del", index=index)
        return 0
    if index and not _is_as_wanted(netlink, index, plan):
        netlink.link("del", index=index)
        index = 0
    if not index:
        netlink.link(
            "add",
            ifname=INTERFACE,
            kind="vxlan",
            vxlan_id=VNI,
            vxlan_port=PORT,
            vxlan_local=str(plan.own.node),
            vxlan_learning=False,
            address=plan.own.mac,
        )
        index = netlink.link_lookup(ifname=INTERFACE)[0]
        netlink.addr("add", index=index, address=str(plan.own.end), prefixlen=32)
    netlink.link("set", index=index, mtu=plan.tunnel_mtu, state="up")
    _forward(netlink, index, plan)
    return index


def _is_as_wanted(netlink: IPRoute, index: int, plan: Plan) -> bool:
    assert plan.own is not None
    (link,) = netlink.get_links(index)
    data = link.get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA")
    local = data.get_attr("IFLA_VXLAN_LOCAL") if data else None
    return bool(local == str(plan.own.node) and link.get_attr("IFLA_ADDRESS") == plan.own.mac)


def _forward(netlink: IPRoute, index: int, plan: Plan) -> None:
    """Which node each MAC is behind."""
    wanted = {(way.mac, str(way.node)) for way in plan.tunnels.values()}
    present = set()
    for entry in netlink.get_neighbours(family=socket.AF_BRIDGE, ifindex=index):
        if entry["ifindex"] == index and entry.get_attr("NDA_DST"):
            present.add((entry.get_attr("NDA_LLADDR"), entry.get_attr("NDA_DST")))
    for mac, node in present - wanted:
        netlink.fdb("del", ifindex=index, lladdr=mac, dst=node)
    for mac, node in wanted - present:
        netlink.fdb("append", ifindex=index, lladdr=mac, dst=node)
