"""ARP on one interface: frames (pure) and the raw socket that carries them.

The kernel answers only for addresses the machine has. Load balancers' addresses are on no interface, because the proxy
translates them before routing; so the announcer answers for them itself. Linux only; needs CAP_NET_RAW.
"""

import socket
import struct
from typing import Self

from msgspec import Struct

ETH_P_ARP = 0x0806
REQUEST, REPLY = 1, 2
BROADCAST = b"\xff" * 6
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_HEADER = (1, 0x0800, 6, 4)  # Ethernet, IPv4, and the lengths of their addresses
_NOTHING = b"\0" * 6


class Packet(Struct, frozen=True):
    """`sender` and `target` are IPv4 addresses as text; the hardware addresses are 6 bytes."""

    operation: int
    sender_hardware: bytes
    sender: str
    target_hardware: bytes
    target: str


def parse(frame: bytes) -> Packet | None:
    """None for what is not ARP for IPv4 on Ethernet."""
    if len(frame) < _ETHERNET.size + _ARP.size or _ETHERNET.unpack_from(frame)[2] != ETH_P_ARP:
        return None
    *header, operation, sender_hardware, sender, target_hardware, target = _ARP.unpack_from(frame, _ETHERNET.size)
    if tuple(header) != _HEADER:
        return None
    return Packet(operation, sender_hardware, socket.inet_ntoa(sender), target_hardware, socket.inet_ntoa(target))


def frame(packet: Packet, destination: bytes) -> bytes:
    """The Ethernet frame that carries `packet` to `destination`."""
    arp = _ARP.pack(
        *_HEADER,
        packet.operation,
        packet.sender_hardware,
        socket.inet_aton(packet.sender),
        packet.target_hardware,
        socket.inet_aton(packet.target),
    )
    return _ETHERNET.pack(destination, packet.sender_hardware, ETH_P_ARP) + arp


def answer(request: Packet, hardware: bytes) -> bytes:
    """`request.target` is at `hardware`."""
    reply = Packet(REPLY, hardware, request.target, request.sender_hardware, request.sender)
    return frame(reply, request.sender_hardware)


def probe(address: str, hardware: bytes, destination: bytes) -> bytes:
    """Asks whether somebody has `address`, without a sender's address: nobody notes anything about the one who asks."""
    return frame(Packet(REQUEST, hardware, "0.0.0.0", _NOTHING, address), destination)


def gratuitous(address: str, hardware: bytes) -> list[bytes]:
    """Tells all neighbours where `address` is now: as a request and as a reply, because some heed only one of them."""
    return [
        frame(Packet(REQUEST, hardware, address, _NOTHING, address), BROADCAST),
        frame(Packet(REPLY, hardware, address, hardware, address), BROADCAST),
    ]


class ArpSocket:
    """Receives and sends ARP frames on `interface`; never blocks."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ARP))
        try:
            self._socket.bind((interface, ETH_P_ARP))
        except OSError:
            self._socket.close()
            raise

    @property
    def hardware(self) -> bytes:
        """The interface's own address, as it is now."""
        address: bytes = self._socket.getsockname()[4]
        return address

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> Packet | None:
        """The next packet of a neighbour; None for other frames. BlockingIOError when there is none."""
        received, (_, _, kind, _, _) = self._socket.recvfrom(2048)
        return None if kind == socket.PACKET_OUTGOING else parse(received)

    def send(self, frame: bytes) -> None:
        self._socket.send(frame)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
