"""Stale UDP flows: a datagram flow has no end, so the kernel would go on sending it to an endpoint that is gone."""

import errno
import logging
import socket
from collections.abc import Iterable

from msgspec import Struct, field
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink import nfctsocket

from pynetes.proxy.services import ServicePort

log = logging.getLogger(__name__)

Backends = frozenset[tuple[str, int]]


class Expected(Struct):
    """Which endpoints (ip, port) flows may go to, by what they were sent to: an address and port, or a node port."""

    addresses: dict[tuple[str, int], Backends] = field(default_factory=dict)
    node_ports: dict[int, Backends] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.addresses or self.node_ports)

    def is_stale(self, address: str, port: int, answered_by: tuple[str, int]) -> bool:
        backends = self.addresses.get((address, port))
        if backends is not None and answered_by not in backends:
            return True
        backends = self.node_ports.get(port)
        return backends is not None and answered_by not in backends


def expected(ports: Iterable[ServicePort]) -> Expected:
    """What flows to these ports may do. Pure.

    All that serve may be used, though new flows may go elsewhere: a change of a Service breaks no flow. Nothing is said
    of ports without an endpoint, where a flow has nowhere better to go.
    """
    out = Expected()
    for port in ports:
        if port.protocol != "udp" or not port.serving:
            continue
        out.addresses |= dict.fromkeys(((ip, port.port) for ip in port.addresses), port.serving)
        if port.node_port:
            out.node_ports[port.node_port] = port.serving
    return out


def reconcile(wanted: Expected) -> int:
    """Removes flows that go elsewhere from the kernel's table; returns how many. Blocking: one dump of the table.

    NetlinkError, OSError: the kernel refuses.
    """
    if not wanted:
        return 0
    deleted = 0
    with nfctsocket.NFCTSocket() as conntrack:
        for message in list(conntrack.dump()):
            original, reply = message.get_attr("CTA_TUPLE_ORIG"), message.get_attr("CTA_TUPLE_REPLY")
            if original is None or reply is None or _protocol(original) != socket.IPPROTO_UDP:
                continue
            address, port = original.get_attr("CTA_TUPLE_IP").get_attr("CTA_IP_V4_DST"), _port(original, "DST")
            answered_by = reply.get_attr("CTA_TUPLE_IP").get_attr("CTA_IP_V4_SRC"), _port(reply, "SRC")
            if wanted.is_stale(address, port, answered_by):
                deleted += _delete(conntrack, original)
    return deleted


def _protocol(tuple_: "nfctsocket.nfct_msg") -> int | None:
    proto = tuple_.get_attr("CTA_TUPLE_PROTO")
    return proto.get_attr("CTA_PROTO_NUM") if proto is not None else None


def _port(tuple_: "nfctsocket.nfct_msg", end: str) -> int:
    return int(tuple_.get_attr("CTA_TUPLE_PROTO").get_attr(f"CTA_PROTO_{end}_PORT") or 0)


def _delete(conntrack: nfctsocket.NFCTSocket, original: "nfctsocket.nfct_msg") -> int:
    address, proto = original.get_attr("CTA_TUPLE_IP"), original.get_attr("CTA_TUPLE_PROTO")
    entry = nfctsocket.NFCTAttrTuple(
        saddr=address.get_attr("CTA_IP_V4_SRC"),
        daddr=address.get_attr("CTA_IP_V4_DST"),
        proto=socket.IPPROTO_UDP,
        sport=proto.get_attr("CTA_PROTO_SRC_PORT"),
        dport=proto.get_attr("CTA_PROTO_DST_PORT"),
    )
    try:
        conntrack.entry("del", tuple_orig=entry)
    except NetlinkError as error:
        if error.code != errno.ENOENT:
            raise
        log.debug("a stale flow has expired meanwhile")
        return 0
    return 1
