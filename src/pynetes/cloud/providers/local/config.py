"""The configuration of the provider `local`: pools of addresses, and what is to be known of machines.

    pools:
    - name: default                    # any name; the annotation below asks for a pool by it
      addresses:
      - 203.0.113.100-203.0.113.120
      - 198.51.100.0/28                # all of them, the first and the last too
      autoAssign: true                 # false: only for Services that ask for the pool or the address
    instances:                         # optional: labels of nodes
      worker-1: {instanceType: small, zone: rack-1, region: hall-2}

Addresses are IPv4: they are announced by ARP. Every error is a ValueError that names the place.
"""

import ipaddress
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from pynetes.cloud.interface import InstanceMetadata


@dataclass(frozen=True, slots=True)
class Pool:
    """`ranges`: first and last address of each, as numbers."""

    name: str
    ranges: tuple[tuple[int, int], ...]
    auto_assign: bool = True

    def __contains__(self, address: str) -> bool:
        number = _number(address)
        return any(first <= number <= last for first, last in self.ranges)

    def __iter__(self) -> Iterator[str]:
        for first, last in self.ranges:
            for number in range(first, last + 1):
                yield str(ipaddress.IPv4Address(number))


@dataclass(frozen=True, slots=True)
class LocalConfig:
    pools: tuple[Pool, ...] = ()
    instances: dict[str, InstanceMetadata] = field(default_factory=dict)

    def pool_of(self, address: str) -> Pool | None:
        return next((pool for pool in self.pools if address in pool), None)


def parse(text: str) -> LocalConfig:
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"the cloud configuration is no YAML: {error}") from None
    _check_keys(document, {"pools", "instances"}, "the cloud configuration")
    entries = _expect(document.get("pools") or [], list, "pools")
    pools = tuple(_pool(entry, f"pools[{number}]") for number, entry in enumerate(entries))
    _check_apart(pools)
    machines = _expect(document.get("instances") or {}, dict, "instances")
    return LocalConfig(pools, {name: _instance(name, machine or {}) for name, machine in machines.items()})


def pools_text(addresses: str) -> str:
    """A configuration with one pool of these ranges, separated by commas. ValueError unless they are such."""
    text: str = yaml.safe_dump({"pools": [{"name": "default", "addresses": addresses.split(",")}]})
    parse(text)
    return text


def _pool(entry: Any, path: str) -> Pool:
    _check_keys(entry, {"name", "addresses", "autoAssign"}, path)
    addresses = _expect(entry.get("addresses"), list, f"{path}.addresses")
    ranges = tuple(_range(str(text).strip(), f"{path}.addresses[{i}]") for i, text in enumerate(addresses))
    auto_assign = _expect(entry.get("autoAssign", True), bool, f"{path}.autoAssign")
    return Pool(_expect(entry.get("name"), str, f"{path}.name"), ranges, auto_assign)


def _instance(name: str, entry: Any) -> InstanceMetadata:
    path = f"instances.{name}"
    _check_keys(entry, {"instanceType", "zone", "region"}, path)
    texts = {key: _expect(value, str, f"{path}.{key}") for key, value in entry.items()}
    return InstanceMetadata(
        instance_type=texts.get("instanceType", ""), zone=texts.get("zone", ""), region=texts.get("region", "")
    )


def _range(text: str, path: str) -> tuple[int, int]:
    try:
        if "-" in text:
            first, last = (int(ipaddress.IPv4Address(part.strip())) for part in text.split("-", 1))
        else:
            network = ipaddress.IPv4Network(text)
            first, last = int(network.network_address), int(network.broadcast_address)
    except ValueError as error:
        raise ValueError(f"{path}: {text!r} is neither a range nor a CIDR of IPv4 addresses: {error}") from None
    if first > last:
        raise ValueError(f"{path}: {text!r} ends before it begins")
    return first, last


def _check_apart(pools: tuple[Pool, ...]) -> None:
    """One address in two pools would be handed out by either's rules."""
    if len({pool.name for pool in pools}) != len(pools):
        raise ValueError("pools: two have the same name")
    ranges = sorted((first, last) for pool in pools for first, last in pool.ranges)
    for (_, last), (first, _) in itertools.pairwise(ranges):
        if first <= last:
            raise ValueError(f"pools: {ipaddress.IPv4Address(first)} is in two ranges")


def _check_keys(value: Any, known: set[str], path: str) -> None:
    unknown = sorted(_expect(value, dict, path).keys() - known)
    if unknown:
        raise ValueError(f"{path}: unknown field {unknown[0]!r} (known: {', '.join(sorted(known))})")


def _expect(value: Any, kind: type, path: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{path}: must be a {kind.__name__}, not {value!r}")
    return value


def _number(address: str) -> int:
    """-1 for what is no IPv4 address."""
    try:
        return int(ipaddress.IPv4Address(address))
    except ValueError:
        return -1
