"""Sets of IPv4 addresses: ranges as people write them, and what of one set is in another. Pure."""

import bisect
import itertools
import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from msgspec import Struct

Range = tuple[int, int]
"""The first and the last address, as numbers."""


class Addresses(Struct, frozen=True):
    """`ranges` are in order, and apart from each other by an address at least."""

    ranges: tuple[Range, ...] = ()

    def __contains__(self, address: str) -> bool:
        number = _number(address)
        place = bisect.bisect_right(self.ranges, number, key=lambda each: each[0])
        return place > 0 and number <= self.ranges[place - 1][1]

    def __iter__(self) -> Iterator[str]:
        for first, last in self.ranges:
            for number in range(first, last + 1):
                yield _text(number)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __or__(self, other: "Addresses") -> "Addresses":
        return _joined((*self.ranges, *other.ranges))

    def __sub__(self, other: "Addresses") -> "Addresses":
        left = list(self.ranges)
        for first, last in other.ranges:
            left = [
                part
                for each in left
                for part in ((each[0], min(each[1], first - 1)), (max(each[0], last + 1), each[1]))
            ]
            left = [each for each in left if each[0] <= each[1]]
        return Addresses(tuple(left))

    def __and__(self, other: "Addresses") -> "Addresses":
        return self - (self - other)

    def texts(self) -> list[str]:
        """`192.0.2.1-192.0.2.9`, or `192.0.2.1` for one alone."""
        return [f"{_text(first)}-{_text(last)}" if first < last else _text(first) for first, last in self.ranges]

    def __str__(self) -> str:
        return ", ".join(self.texts())


EMPTY = Addresses()


def parse(texts: Iterable[str]) -> Addresses:
    """Addresses, CIDRs and ranges FIRST-LAST; ValueError for what is none of them."""
    return _joined(tuple(_range(text) for text in texts))


def parse_list(text: str) -> Addresses:
    """The same, separated by commas; ValueError also if one address is in two of them."""
    ranges = sorted(_range(part.strip()) for part in text.split(","))
    for (_, last), (first, _) in itertools.pairwise(ranges):
        if first <= last:
            raise ValueError(f"{IPv4Address(first)} is in two ranges")
    return _joined(tuple(ranges))


def _range(text: str) -> Range:
    try:
        if "-" in text:
            first, last = (int(IPv4Address(part.strip())) for part in text.split("-", 1))
        else:
            network = IPv4Network(text)
            first, last = int(network.network_address), int(network.broadcast_address)
    except ValueError as error:
        raise ValueError(f"{text!r} is neither a range nor a CIDR of IPv4 addresses: {error}") from None
    if first > last:
        raise ValueError(f"{text!r} ends before it begins")
    return first, last


def _joined(ranges: tuple[Range, ...]) -> Addresses:
    made: list[Range] = []
    for first, last in sorted(ranges):
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return Addresses(tuple(made))


def _number(address: str) -> int:
    """-1 for what is no IPv4 address. Asked for every Service again and again: ten times as fast as `ipaddress`."""
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, address))
    except OSError:
        return -1


def _text(number: int) -> str:
    return socket.inet_ntop(socket.AF_INET, number.to_bytes(4))
