"""The cluster's DNS: who serves it, and whether it answers."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from pynetes.cli.status.remarks import BAD, Remark

Object = dict[str, Any]

SECTION = "dns"


class DNSView(Struct, frozen=True):
    """`servers`: how many stand behind its Service, None if unknown. `message`: why it is not ready."""

    address: str
    ready: bool
    message: str = ""
    servers: int | None = None

    def document(self) -> Object:
        return asdict(self)


def servers(slices: Iterable[Object]) -> int:
    """Ready endpoints of the Service `kube-dns`."""
    found = {
        address
        for slice_ in slices
        for endpoint in slice_.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or ()
    }
    return len(found)


def view(address: str, asked: str | None, number: int | None) -> DNSView:
    """`asked`: what was wrong when it was asked from here, None if it cannot be asked from here."""
    if asked:
        return DNSView(address, False, asked, number)
    if asked is None and number == 0:
        return DNSView(address, False, "nobody serves it", number)
    return DNSView(address, asked is not None or bool(number), "", number)


def remarks(found: DNSView) -> list[Remark]:
    if found.ready or (found.servers is None and not found.message):
        return []
    remedy = "it is served by the process `network` on every node: see <data-dir>/log/network.log there, and proxy.log"
    return [Remark(BAD, SECTION, f"the cluster DNS does not answer: {found.message}", remedy)]
