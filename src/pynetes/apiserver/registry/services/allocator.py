"""Members of a range, each held by one owner: cluster IPs and node ports."""

import ipaddress
import random
from collections.abc import Callable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Random tries before looking through the range in order.
_RANDOM_TRIES = 32


class AllocationError(Exception):
    """The member cannot be had; the message is upstream's."""


class RangeFull(AllocationError):
    def __init__(self) -> None:
        super().__init__("range is full")


class Allocator:
    """`size` numbers from `first` on. The lower part (`reserved`) is kept for explicit requests while the rest lasts.

    Allocators whose numbers overlap share what is `held`.
    """

    def __init__(
        self,
        first: int,
        size: int,
        reserved: int,
        held: set[int] | None = None,
        draw: Callable[[int, int], int] = random.randrange,
    ) -> None:
        self._first, self._end = first, first + size
        self._middle = first + min(reserved, size)
        self._draw = draw
        self._held: set[int] = set() if held is None else held

    def __contains__(self, number: int) -> bool:
        return self._first <= number < self._end

    def take(self, number: int) -> bool:
        """Whether it was free (and is held now)."""
        if number in self._held:
            return False
        self._held.add(number)
        return True

    def release(self, number: int) -> None:
        self._held.discard(number)

    def take_any(self) -> int:
        """A free number; RangeFull if there is none."""
        for first, end in ((self._middle, self._end), (self._first, self._middle)):
            number = self._find(first, end)
            if number is not None:
                self._held.add(number)
                return number
        raise RangeFull

    def _find(self, first: int, end: int) -> int | None:
        if first >= end:
            return None
        for _ in range(_RANDOM_TRIES):
            number = self._draw(first, end)
            if number not in self._held:
                return number
        return next((number for number in range(first, end) if number not in self._held), None)


def addresses(network: Network, held: set[int] | None = None) -> Allocator:
    """Those of a service network, as numbers: without its first and last (IPv4)."""
    last = 2 if network.version == 4 else 1
    size = min(network.num_addresses - last, 1 << 64)
    reserved = min(max(16, network.num_addresses // 16), 256)
    return Allocator(int(network.network_address) + 1, size, reserved, held)


class PortAllocator:
    """Node ports, one for all protocols."""

    def __init__(self, first: int, last: int) -> None:
        self._valid = f"{first}-{last}"
        size = last - first + 1
        self._numbers = Allocator(first, size, 0 if size < 16 else min(max(16, size // 32), 128))

    def take(self, port: int) -> None:
        if port not in self._numbers:
            told = f"The range of valid ports is {self._valid}"
            raise AllocationError(f"provided port is not in the valid range. {told}")
        if not self._numbers.take(port):
            raise AllocationError("provided port is already allocated")

    def take_any(self) -> int:
        return self._numbers.take_any()

    def release(self, port: int) -> None:
        self._numbers.release(port)
