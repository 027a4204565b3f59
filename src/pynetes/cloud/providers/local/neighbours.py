"""Which nodes of the link have fallen silent, long before the control plane knows. Pure: what is heard, and when.

The nodes that come next for an address ask those before them by ARP, every second. A node that has answered and does
so no more is passed over; one that never did (it is on another link) is left to the control plane.
"""

from msgspec import Struct

#: Seconds between questions, and without an answer until a node counts as silent.
PERIOD, SILENCE = 1.0, 3.0


class _Neighbour(Struct):
    hardware: bytes
    heard: float


class Neighbours:
    """The nodes' addresses that are watched. Times are of one clock that never goes back."""

    def __init__(self) -> None:
        self.watched: frozenset[str] = frozenset()
        self._heard: dict[str, _Neighbour] = {}
        self._asked = 0.0

    def watch(self, addresses: frozenset[str]) -> None:
        self.watched = addresses
        self._heard = {address: one for address, one in self._heard.items() if address in addresses}

    def heard(self, address: str, hardware: bytes, now: float) -> None:
        if address in self.watched:
            self._heard[address] = _Neighbour(hardware, now)

    def questions(self, now: float) -> list[tuple[str, bytes | None]]:
        """Whom to ask now, and where: None is everywhere, where it was is not known or does not answer."""
        if now - self._asked > SILENCE:
            # nobody was asked for a while (this machine slept): no answer means nothing
            for neighbour in self._heard.values():
                neighbour.heard = max(neighbour.heard, now - PERIOD)
        self._asked = now
        known = {ip: one.hardware for ip, one in self._heard.items() if ip not in self.silent(now)}
        return [(ip, known.get(ip)) for ip in sorted(self.watched)]

    def silent(self, now: float) -> frozenset[str]:
        """Those that answered once and have not for `SILENCE` seconds."""
        return frozenset(address for address, one in self._heard.items() if now - one.heard > SILENCE)
