"""The hosts' link: a bridge on the machine, a cable (veth) to each host, masquerade towards the outside.

Blocking; acts in the network namespace of the caller, so that several clusters on one kernel do not meet. A cable goes
with its host's network namespace.
"""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address

from pyroute2 import IPRoute, NetlinkError

from pynetes.cli.hosts.plan import Host, Plan
from pynetes.component.nftables import Nftables, NftablesError
from pynetes.component.sysctl import set_sysctl

BRIDGE = "pynetes-hosts"
TABLE = "ip pynetes-hosts"
#: The host's end of its cable.
UPLINK = "eth0"

DELETE = f"add table {TABLE}\ndelete table {TABLE}\n"

_DEFAULT_MTU = 1500
_UP = 1


def interface(name: str) -> str:
    """The machine's end of a host's cable."""
    return f"pyn-{name}"


def ruleset(cidr: str) -> str:
    """Replaces the table: what hosts say to the outside bears the machine's address."""
    return (
        DELETE
        + f"""
table {TABLE} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {cidr} ip daddr != {{ {cidr}, 224.0.0.0/4 }} oifname != "{BRIDGE}" masquerade fully-random
  }}
}}
"""
    )


def mac(address: str) -> str:
    """An interface's, made of its address: a host that boots again is the same to its neighbours."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x68, *IPv4Address(address).packed))


def prepare(plan: Plan) -> None:
    """Bridge, masquerade and forwarding; idempotent."""
    with IPRoute() as netlink:
        if not netlink.link_lookup(ifname=BRIDGE):
            netlink.link("add", ifname=BRIDGE, kind="bridge", address=mac(plan.gateway))
        index = netlink.link_lookup(ifname=BRIDGE)[0]
        with _present_is_fine():
            netlink.addr("add", index=index, address=plan.gateway, prefixlen=plan.prefix)
        netlink.link("set", index=index, state="up")
    set_sysctl("net.ipv4.ip_forward", "1")
    nftables = Nftables()
    try:
        nftables.run_blocking(ruleset(plan.cidr))
    finally:
        nftables.close()
    _allow_forwarding()


def is_prepared() -> bool:
    with IPRoute() as netlink:
        return bool(netlink.link_lookup(ifname=BRIDGE))


def plug(host: Host, pid: int) -> None:
    """A new cable from the bridge to the host whose first process is `pid`."""
    unplug(host.name)
    with IPRoute() as netlink:
        bridge, name, mtu = netlink.link_lookup(ifname=BRIDGE)[0], interface(host.name), _uplink_mtu(netlink)
        peer = {"ifname": UPLINK, "net_ns_pid": pid, "address": mac(host.address), "mtu": mtu}
        netlink.link("add", ifname=name, kind="veth", peer=peer, mtu=mtu)
        index = netlink.link_lookup(ifname=name)[0]
        netlink.link("set", index=index, master=bridge, state="up")


def unplug(name: str) -> None:
    """Takes the cable away, if there is one."""
    with IPRoute() as netlink:
        for index in netlink.link_lookup(ifname=interface(name)):
            with contextlib.suppress(NetlinkError):  # it may just be going with its host
                netlink.link("del", index=index)


def configure_host(host: Host, plan: Plan) -> None:
    """In the host's namespace, once its cable is plugged in: loopback, address and default route."""
    with IPRoute() as netlink:
        netlink.link("set", index=netlink.link_lookup(ifname="lo")[0], state="up")
        index = netlink.link_lookup(ifname=UPLINK)[0]
        netlink.addr("add", index=index, address=host.address, prefixlen=plan.prefix)
        netlink.link("set", index=index, state="up")
        netlink.route("add", dst="default", gateway=plan.gateway)


def is_cut(name: str) -> bool:
    """Whether the host's cable is there and carries nothing."""
    with IPRoute() as netlink:
        for index in netlink.link_lookup(ifname=interface(name)):
            (link,) = netlink.get_links(index)
            return not link["flags"] & _UP
    return False


def carry(name: str, *, on: bool) -> None:
    """Cuts or mends the cable of a host that is on."""
    with IPRoute() as netlink:
        index = netlink.link_lookup(ifname=interface(name))[0]
        netlink.link("set", index=index, state="up" if on else "down")


def remove() -> None:
    """Table, bridge and all cables; each may be gone already."""
    try:
        nftables = Nftables()
    except NftablesError:
        pass  # without nftables there is no table
    else:
        nftables.run_blocking(DELETE)
        nftables.close()
    _forget_forwarding()
    with IPRoute() as netlink:
        for index in netlink.link_lookup(ifname=BRIDGE):
            cables = [link["index"] for link in netlink.get_links() if link.get_attr("IFLA_MASTER") == index]
            for each in (*cables, index):
                with contextlib.suppress(NetlinkError):
                    netlink.link("del", index=each)


def _uplink_mtu(netlink: IPRoute) -> int:
    """That of the default route's interface, so that what hosts send outside fits."""
    for route in netlink.get_default_routes(family=socket.AF_INET):
        for link in netlink.get_links(route.get_attr("RTA_OIF")) if route.get_attr("RTA_OIF") else ():
            return int(link.get_attr("IFLA_MTU"))
    return _DEFAULT_MTU


def _rules() -> Iterator[list[str]]:
    for direction in ("-i", "-o"):
        yield ["FORWARD", direction, BRIDGE, "-j", "ACCEPT"]


def _iptables(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["iptables", "-w", *arguments], capture_output=True, text=True, check=False)


def _allow_forwarding() -> None:
    """Where a container engine or a firewall drops what it does not know, hosts are an exception."""
    if "-P FORWARD DROP" not in _iptables("-S", "FORWARD").stdout:
        return
    for rule in _rules():
        if _iptables("-C", *rule).returncode:
            _iptables("-I", *rule)


def _forget_forwarding() -> None:
    if f" {BRIDGE} " not in _iptables("-S", "FORWARD").stdout:
        return
    for rule in _rules():
        _iptables("-D", *rule)


@contextlib.contextmanager
def _present_is_fine() -> Iterator[None]:
    try:
        yield
    except NetlinkError as error:
        if error.code != 17:  # EEXIST
            raise
