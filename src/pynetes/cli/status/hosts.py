"""The hosts of a cluster that has several on this machine: on, off or cut off; and where their files are."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from pynetes.cli.layout import Layout
from pynetes.cli.status.remarks import BAD, Remark

Object = dict[str, Any]

SECTION = "hosts"


class Host(Struct, frozen=True):
    """`layout`: its cluster's files, seen from this machine."""

    name: str
    role: str
    address: str
    state: str
    layout: Layout

    def document(self) -> Object:
        return {key: value for key, value in asdict(self).items() if key != "layout"}


def read(layout: Layout) -> list[Host]:
    """Blocking, and not within an event loop: links are asked for over netlink."""
    if not (layout.data / "hosts.json").exists():
        return []
    from pynetes.cli.hosts import places, power, record

    plan = record.load(layout)
    return [
        Host(host.name, host.role, host.address, power.state(layout, host.name), places.of(layout, host.name).layout)
        for host in (plan.hosts if plan else ())
    ]


def remarks(found: Iterable[Host]) -> list[Remark]:
    said = {"off": ("is off", "start"), "cut": ("is cut off", "mend")}
    return [
        Remark(BAD, SECTION, f"{host.name} {said[host.state][0]}", f"pynetes node {said[host.state][1]} {host.name}")
        for host in found
        if host.state in said
    ]
