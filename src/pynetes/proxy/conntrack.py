"""Stale UDP flows: a datagram flow has no end, so the kernel would go on sending it to an endpoint that is gone."""

import logging
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from pyroute2.netlink.nfnetlink import nfctsocket

from pynetes.proxy.services import ServicePort

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StaleFlow:
    """Flows to `ip`:`port` (any address of the node if `ip` is empty) that were answered by `endpoint`.

    An empty `endpoint` means flows that were not translated at all: they began while there was no endpoint.
    """

    ip: str
    port: int
    endpoint: str


def stale_flows(old: ServicePort | None, new: ServicePort | None) -> list[StaleFlow]:
    """Which flows a change of a UDP port leaves behind. Pure."""
    current = new or old
    if current is None or current.protocol != "udp":
        return []
    before = {e.ip for e in (*old.internal, *old.external)} if old else set()
    after = {e.ip for e in (*new.internal, *new.external)} if new else set()
    gone = before - after
    if after and not before:
        gone = {""}
    ports = {(ip, p.port) for p in (old, new) if p for ip in (p.cluster_ip, *p.external_ips)}
    ports |= {("", p.node_port) for p in (old, new) if p and p.node_port}
    return [StaleFlow(ip, port, endpoint) for ip, port in sorted(ports) for endpoint in sorted(gone)]


def delete(flows: Iterable[StaleFlow]) -> int:
    """Removes the flows from the kernel's table; returns how many there were. Blocking: one dump of the table."""
    wanted = {(f.ip, f.port, f.endpoint) for f in flows}
    if not wanted:
        return 0
    deleted = 0
    with nfctsocket.NFCTSocket() as conntrack:
        for message in list(conntrack.dump()):
            original, reply = message.get_attr("CTA_TUPLE_ORIG"), message.get_attr("CTA_TUPLE_REPLY")
            if original is None or reply is None or _protocol(original) != socket.IPPROTO_UDP:
                continue
            address, port = original.get_attr("CTA_TUPLE_IP").get_attr("CTA_IP_V4_DST"), _port(original)
            answered_by = reply.get_attr("CTA_TUPLE_IP").get_attr("CTA_IP_V4_SRC")
            endpoint = "" if answered_by == address else answered_by
            if (address, port, endpoint) in wanted or ("", port, endpoint) in wanted:
                deleted += _delete(conntrack, original)
    return deleted


def _protocol(tuple_: "nfctsocket.nfct_msg") -> int | None:
    proto = tuple_.get_attr("CTA_TUPLE_PROTO")
    return proto.get_attr("CTA_PROTO_NUM") if proto is not None else None


def _port(tuple_: "nfctsocket.nfct_msg") -> int | None:
    port = tuple_.get_attr("CTA_TUPLE_PROTO").get_attr("CTA_PROTO_DST_PORT")
    return int(port) if port is not None else None


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
    except OSError as error:  # it may have expired meanwhile
        log.debug("conntrack entry is gone: %s", error)
        return 0
    return 1
