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
    """Numbers 0 … `size`-1. The lower part (`reserved`) is kept for explicit requests while the rest lasts."""

    def __init__(self, size: int, reserved: int, draw: Callable[[int, int], int] = random.randrange) -> None:
        self._size = size
        self._reserved = min(reserved, size)
        self._draw = draw
        self._used: set[int] = set()

    def __len__(self) -> int:
        return len(self._used)

    def take(self, number: int) -> bool:
        """Whether it was free (and is held now)."""
        if number in self._used:
            return False
        self._used.add(number)
        return True

    def release(self, number: int) -> None:
        self._used.discard(number)

    def take_any(self, excluded: set[int] | None = None) -> int:
        """A free number that is not `excluded`; RangeFull if there is none."""
        taken = self._used | excluded if excluded else self._used
        for first, last in ((self._reserved, self._size), (0, self._reserved)):
            number = self._find(first, last, taken)
            if number is not None:
                self._used.add(number)
                return number
        raise RangeFull

    def _find(self, first: int, last: int, taken: set[int]) -> int | None:
        if first >= last:
            return None
        for _ in range(_RANDOM_TRIES):
            number = self._draw(first, last)
            if number not in taken:
                return number
        return next((number for number in range(first, last) if number not in taken), None)


class IPAllocator:
    """Addresses of a service network: without its first and last (IPv4)."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.family = "IPv4" if network.version == 4 else "IPv6"
        self._base = int(network.network_address) + 1
        last = 2 if network.version == 4 else 1
        size = min(network.num_addresses - last, 1 << 64)
        self._numbers = Allocator(size, min(max(16, network.num_addresses // 16), 256))
        self._size = size

    def _number(self, address: str) -> int:
        number = int(ipaddress.ip_address(address)) - self._base
        if not 0 <= number < self._size:
            raise AllocationError(
                f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {self.network}"
            )
        return number

    def take(self, address: str) -> None:
        """AllocationError if it is held or out of range."""
        if not self._numbers.take(self._number(address)):
            raise AllocationError("provided IP is already allocated")

    def take_any(self) -> str:
        return str(ipaddress.ip_address(self._base + self._numbers.take_any()))

    def release(self, address: str) -> None:
        try:
            self._numbers.release(self._number(address))
        except AllocationError:
            # An address of a range that is configured no longer.
            return


class PortAllocator:
    """Node ports, one for all protocols."""

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        size = last - first + 1
        reserved = 0 if size < 16 else min(max(16, size // 32), 128)
        self._numbers = Allocator(size, reserved)

    def take(self, port: int) -> None:
        if not self._first <= port <= self._last:
            valid = f"{self._first}-{self._last}"
            raise AllocationError(f"provided port is not in the valid range. The range of valid ports is {valid}")
        if not self._numbers.take(port - self._first):
            raise AllocationError("provided port is already allocated")

    def take_any(self) -> int:
        return self._first + self._numbers.take_any()

    def release(self, port: int) -> None:
        self._numbers.release(port - self._first)
