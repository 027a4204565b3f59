"""Ranges of addresses that a cluster of several hosts takes: none may overlap with another, nor with the machine's."""

import socket
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Interface, IPv4Network

from msgspec import Struct
from pyroute2 import IPRoute

from pynetes.cli.hosts.plan import HostError, Plan

_SMALLEST = 29
_MAIN_TABLE = 254


class Taken(Struct, frozen=True):
    """Addresses that the machine reaches over one of its interfaces."""

    network: IPv4Network
    interface: str


def parse(text: str) -> IPv4Network:
    """HostError unless hosts can have addresses from it."""
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise HostError(f"--host-cidr {text!r} is no range of IPv4 addresses, as 10.1.2.0/24 is: {error}") from None
    if network.prefixlen > _SMALLEST:
        raise HostError(f"--host-cidr {text} is too small: at least a /{_SMALLEST} is needed")
    return network


def check(hosts: str, others: Mapping[str, str], taken: Iterable[Taken]) -> None:
    """HostError for a range that overlaps with another one. `others`: the cluster's ranges by flag."""
    network = parse(hosts)
    ranges = {"--host-cidr": network} | {flag: IPv4Network(text) for flag, text in others.items()}
    flags = list(ranges)
    for index, one in enumerate(flags):
        for two in flags[index + 1 :]:
            if ranges[one].overlaps(ranges[two]):
                raise HostError(f"{one} {ranges[one]} and {two} {ranges[two]} overlap: choose another for one of them")
    for each in taken:
        if each.network.overlaps(network):
            raise HostError(
                f"the hosts' addresses, {network}, overlap with {each.network}, which this machine reaches over "
                f"{each.interface}: choose a free range with --host-cidr"
            )


def check_pool(text: str, plan: Plan) -> None:
    """HostError if load balancers were given addresses that the machine or a host has. `text`: ranges, by commas."""
    from pynetes.cloud.providers.local.addresses import EMPTY, parse_list

    pool = parse_list(text) if text else EMPTY
    for name, address in (("the machine", plan.gateway), *((host.name, host.address) for host in plan.hosts)):
        if address in pool:
            raise HostError(
                f"--load-balancer-pool {text} has the address of {name}, {address}: hosts are given the first ones of "
                f"{plan.cidr}, so choose from its end"
            )


def taken_on_machine(*, but: str) -> list[Taken]:
    """Addresses and routes of the machine, default routes apart; `but`: an interface not to look at."""
    with IPRoute() as netlink:
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in netlink.get_links()}
        found = []
        for message in netlink.get_addr(family=socket.AF_INET):
            local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
            network = IPv4Interface(f"{local}/{message['prefixlen']}").network
            found.append(Taken(network, names.get(message["index"], "?")))
        for route in netlink.get_routes(family=socket.AF_INET, table=_MAIN_TABLE):
            if route["dst_len"]:
                network = IPv4Network(f"{route.get_attr('RTA_DST')}/{route['dst_len']}")
                found.append(Taken(network, names.get(route.get_attr("RTA_OIF"), "a route")))
    return [each for each in found if each.interface not in (but, "lo")]
