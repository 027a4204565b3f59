"""Which hosts a cluster has: names, addresses, growth. Pure.

Addresses are given out from the range's beginning: the first is the machine's (the hosts' gateway), the next ones go
to hosts in the order they are made. A host keeps its name and address until it is removed; what is free is used again.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Literal

from msgspec import Struct

Role = Literal["master", "node"]

#: In the range for benchmarks between networks (RFC 2544), which neither LANs nor container engines use.
DEFAULT_RANGE = "198.18.53.0/24"

_NAME = re.compile(r"(master|node)-[1-9][0-9]*")


class HostError(Exception):
    """A host is not there, or not in the state that a command needs; the message says what to do."""


class Host(Struct, frozen=True):
    """`address` is that of its eth0."""

    name: str
    role: Role
    address: str


class Plan(Struct, frozen=True):
    """A cluster's hosts and the range their addresses are from."""

    cidr: str = DEFAULT_RANGE
    hosts: tuple[Host, ...] = ()

    @property
    def gateway(self) -> str:
        """The machine's address on the hosts' bridge."""
        return str(IPv4Network(self.cidr)[1])

    @property
    def prefix(self) -> int:
        return IPv4Network(self.cidr).prefixlen

    def of(self, role: Role) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.role == role)

    def find(self, name: str) -> Host:
        """HostError if there is none of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts) or "none"
        raise HostError(f'there is no host "{name}"; there are: {known}')

    def without(self, name: str) -> "Plan":
        return Plan(self.cidr, tuple(host for host in self.hosts if host.name != name))


def grow(plan: Plan, *, masters: int | None, nodes: int | None) -> Plan:
    """The plan with as many masters and nodes as are asked for; None: as many as there are, at least one.

    HostError if there are more already (hosts go by name), or if the range has no room.
    """
    hosts = list(plan.hosts)
    for role, wanted in (("master", masters), ("node", nodes)):
        hosts += _missing(plan.cidr, hosts, "master" if role == "master" else "node", wanted)
    order = {"master": 0, "node": 1}
    return Plan(plan.cidr, tuple(sorted(hosts, key=lambda host: (order[host.role], _number(host.name)))))


def _missing(cidr: str, hosts: Sequence[Host], role: Role, wanted: int | None) -> list[Host]:
    present = [host for host in hosts if host.role == role]
    if wanted is None:
        wanted = max(len(present), 1)
    if wanted < 1:
        raise HostError(f"--{role}s {wanted}: a cluster has at least one {role}")
    if wanted < len(present):
        names = ", ".join(host.name for host in present)
        raise HostError(
            f"--{role}s {wanted}: there are {len(present)} ({names}); `pynetes node remove NAME` takes one away"
        )
    made: list[Host] = []
    while len(present) + len(made) < wanted:
        taken = [*hosts, *made]
        made.append(Host(_free_name(role, taken), role, _free_address(cidr, taken)))
    return made


def _free_name(role: Role, taken: Sequence[Host]) -> str:
    names = {host.name for host in taken}
    number = 1
    while f"{role}-{number}" in names:
        number += 1
    return f"{role}-{number}"


def _free_address(cidr: str, taken: Sequence[Host]) -> str:
    used = {host.address for host in taken}
    network = IPv4Network(cidr)
    for address in list(network.hosts())[1:]:
        if str(address) not in used:
            return str(address)
    room = max(network.num_addresses - 3, 0)
    raise HostError(f"--host-cidr {cidr} has room for {room} hosts only: choose a larger range")


def _number(name: str) -> int:
    return int(name.rsplit("-", 1)[1])


def is_name(text: str) -> bool:
    """Whether a host could have this name."""
    return _NAME.fullmatch(text) is not None
