"""Warnings about IP addresses that are understood but written oddly."""

import ipaddress

from pynetes.apis.field_errors import parse_ip


def ip_warnings(path: str, value: str) -> list[str]:
    address = parse_ip(value)
    if address is None:
        return []
    canonical = str(address)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped is not None or (address.version == 4 and canonical != value):
        return [f'{path}: non-standard IP address "{value}" is invalid: use "{mapped or canonical}"']
    if canonical != value:
        return [f'{path}: IPv6 address "{value}" should be in RFC 5952 canonical format ("{canonical}")']
    return []
