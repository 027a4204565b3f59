"""Names of resources (cpu, memory, extended ones) and what they may count."""

import re

from pynetes.apimachinery import names, quantity
from pynetes.apis.field_errors import FieldErrors

CONTAINER_RESOURCES = frozenset(("cpu", "memory", "ephemeral-storage"))
QUOTA_RESOURCES = CONTAINER_RESOURCES | {
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
    "count/resourceclaims.resource.k8s.io",
}
STANDARD_RESOURCES = QUOTA_RESOURCES | {"storage"}
INTEGER_RESOURCES = frozenset(
    (
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    )
)
HUGE_PAGES = "hugepages-"
_NATIVE = "kubernetes.io/"
_QUOTA_HUGE_PAGES = re.compile(r"(requests\.)?hugepages-")


def is_huge_page(name: str) -> bool:
    return name.startswith(HUGE_PAGES)


def is_native(name: str) -> bool:
    """In the default namespace (no slash) or in kubernetes.io."""
    return "/" not in name or _NATIVE in name


def is_extended(name: str) -> bool:
    """`vendor.example/device`: a fully qualified name outside of kubernetes.io, fit for quota as `requests.<name>`."""
    if is_native(name) or name.startswith("requests."):
        return False
    return not names.qualified_name("requests." + name)


def is_overcommit_allowed(name: str) -> bool:
    return is_native(name) and not is_huge_page(name)


def is_integer(name: str) -> bool:
    return name in INTEGER_RESOURCES or is_extended(name)


def is_standard_for_quota(name: str) -> bool:
    return name in QUOTA_RESOURCES or _QUOTA_HUGE_PAGES.match(name) is not None


def validate_resource_name(found: FieldErrors, name: str, path: str) -> bool:
    if not found.rule(path, name, names.qualified_name):
        return False
    standard = name in STANDARD_RESOURCES or _QUOTA_HUGE_PAGES.match(name) is not None
    if "/" not in name and not standard:
        found.invalid(path, name, "must be a standard resource type or fully qualified")
        return False
    return True


def validate_container_resource_name(found: FieldErrors, name: str, path: str) -> None:
    validate_resource_name(found, name, path)
    if "/" not in name:
        if name not in CONTAINER_RESOURCES and not is_huge_page(name):
            found.invalid(path, name, "must be a standard resource for containers")
    elif not is_native(name) and not is_extended(name):
        found.invalid(path, name, "doesn't follow extended resource name standard")


def validate_resource_value(found: FieldErrors, name: str, value: str | int | float, path: str) -> None:
    """Not negative, and whole where the resource comes in pieces."""
    found.non_negative_quantity(path, value)
    amount = quantity.parse(value)
    if is_integer(name) and amount.milli_value() % 1000:
        found.invalid(path, str(amount), "must be an integer")
