"""Addresses that endpoints may have: none that would lead back into the node or the link."""

from pynetes.apis.field_errors import FieldErrors, parse_ip


def validate_endpoint_ip(found: FieldErrors, value: str, path: str) -> None:
    address = parse_ip(value)
    if address is None:
        found.invalid(path, value, "must be a valid IP address")
        return
    if address.is_unspecified:
        found.invalid(path, value, f"may not be unspecified ({value})")
    if address.is_loopback:
        found.invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        found.invalid(path, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if _is_link_local_multicast(str(address)):
        found.invalid(path, value, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


def _is_link_local_multicast(text: str) -> bool:
    return text.startswith(("224.0.0.", "ff02:"))
