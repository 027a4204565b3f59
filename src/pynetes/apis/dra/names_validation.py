"""Names that devices go by: drivers, pools, attributes, requests; and lists and maps of what is named by them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pynetes.apimachinery import names
from pynetes.apis.core.csi_names import validate_csi_driver_name as validate_driver_name
from pynetes.apis.field_errors import FieldErrors

MAX_POOL_NAME = 253
MAX_ID = 32
#: Of a domain, a slash and an identifier: longer keys of maps are cut in paths.
MAX_QUALIFIED_NAME = 63 + 1 + MAX_ID
MAX_LABEL = 63
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
Check = Callable[[FieldErrors, Any, str], None]

__all__ = [
    "MAX_LABEL",
    "MAX_QUALIFIED_NAME",
    "validate_driver_name",
    "validate_fully_qualified_name",
    "validate_keyed",
    "validate_list",
    "validate_pool_name",
    "validate_qualified_name",
    "validate_unique",
    "validate_uuid",
]


def validate_pool_name(found: FieldErrors, name: str, path: str) -> None:
    """Subdomains, separated by slashes."""
    if not found.present(path, name):
        return
    if names.size(name) > MAX_POOL_NAME:
        found.too_long(path, MAX_POOL_NAME)
    for part in name.split("/"):
        found.rule(path, part, names.dns1123_subdomain)


def validate_uuid(found: FieldErrors, value: str, path: str) -> None:
    if not _UUID.fullmatch(value):
        form = "`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters"
        found.invalid(path, value, f"uid must be in RFC 4122 normalized form, {form}")


def validate_qualified_name(found: FieldErrors, name: str, path: str) -> None:
    """`identifier` or `domain/identifier`. Names with more slashes pass: upstream's way."""
    parts = name.split("/")
    if len(parts) == 1:
        _identifier(found, name, path)
    elif len(parts) == 2:
        if parts[0]:
            validate_driver_name(found, parts[0], path)
        else:
            found.invalid(path, "", "the domain must not be empty")
        if parts[1]:
            _identifier(found, parts[1], path)
        else:
            found.invalid(path, "", "the name must not be empty")


def validate_fully_qualified_name(found: FieldErrors, name: str, path: str) -> None:
    validate_qualified_name(found, name, path)
    if "/" not in name:
        found.invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash")


def _identifier(found: FieldErrors, value: str, path: str) -> None:
    if names.size(value) > MAX_ID:
        found.too_long(path, MAX_ID)
    found.rule(path, value, names.c_identifier)


def validate_list(found: FieldErrors, items: Sequence[Any], maximum: int | None, check: Check, path: str) -> bool:
    """Items are looked at only if there are not too many of them; whether they were."""
    if maximum is not None and len(items) > maximum:
        found.too_many(path, len(items), maximum)
        return False
    for index, item in enumerate(items):
        check(found, item, f"{path}[{index}]")
    return True


def validate_unique(
    found: FieldErrors,
    items: Sequence[Any],
    maximum: int | None,
    check: Check,
    path: str,
    key: Callable[[Any], Any] = lambda item: item,
) -> None:
    """As `validate_list`, and no two with the same key."""
    if validate_list(found, items, maximum, check, path):
        _duplicates(found, map(key, items), path)


def _duplicates(found: FieldErrors, keys: Iterable[Any], path: str) -> None:
    seen: list[Any] = []
    for index, key in enumerate(keys):
        if key in seen:
            found.duplicate(f"{path}[{index}]", key)
        seen.append(key)


def validate_keyed(
    found: FieldErrors,
    items: Mapping[str, Any],
    check_key: Check,
    check: Check,
    path: str,
    *,
    maximum: int | None = None,
    shown: int,
) -> None:
    """A map. Keys are reported at the map; `shown` is how long a key may be in a path."""
    if maximum is not None and len(items) > maximum:
        found.too_many(path, len(items), maximum)
        return
    for key, item in items.items():
        check_key(found, key, path)
        check(found, item, f"{path}[{_cut(key, shown)}]")


def _cut(key: str, maximum: int) -> str:
    if len(key) <= maximum:
        return key
    left = maximum - 3
    return key[: (left + 1) // 2] + "..." + key[len(key) - left // 2 :]
