"""The downward API: what a pod's fields and resources look like as text, for environment variables and volumes.

Paths, divisors and messages are upstream's (`fieldRef`, `resourceFieldRef`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pynetes.apimachinery import names, quantity
from pynetes.apimachinery.quoting import go_quoted

_UNIT = quantity.parse("1")
#: Resources whose missing limit is the node's allocatable.
_DEFAULTED = ("cpu", "memory", "ephemeral-storage")


class FieldPathError(ValueError):
    """The path is not one that the downward API serves."""


def format_map(values: Mapping[str, str]) -> str:
    """`key="value"` lines sorted by key: labels and annotations as a file."""
    return "\n".join(f"{key}={go_quoted(values[key])}" for key in sorted(values))


def split_subscript(path: str) -> tuple[str, str | None]:
    """`metadata.labels['a']` → (`metadata.labels`, `a`)."""
    if path.endswith("']"):
        base, found, subscript = path[:-2].partition("['")
        if found and base:
            return base, subscript
    return path, None


def pod_field(pod: Mapping[str, Any], path: str) -> str:
    """A metadata field of the pod: what both volumes and variables may use."""
    meta = pod["metadata"]
    base, subscript = split_subscript(path)
    if subscript is not None:
        if base not in ("metadata.annotations", "metadata.labels"):
            raise FieldPathError(f"fieldPath {go_quoted(path)} does not support subscript")
        errors = names.qualified_name(subscript.lower() if base == "metadata.annotations" else subscript)
        if errors:
            raise FieldPathError(f"invalid key subscript in {path}: {';'.join(errors)}")
        return str((meta.get(base.removeprefix("metadata.")) or {}).get(subscript, ""))
    match path:
        case "metadata.annotations" | "metadata.labels":
            return format_map(meta.get(path.removeprefix("metadata.")) or {})
        case "metadata.name" | "metadata.namespace" | "metadata.uid":
            return str(meta.get(path.removeprefix("metadata.")) or "")
    raise FieldPathError(f"unsupported fieldPath: {path}")


def runtime_field(
    pod: Mapping[str, Any], path: str, *, pod_ips: Sequence[str] = (), host_ips: Sequence[str] = ()
) -> str:
    """A field for an environment variable, those of a running pod included."""
    spec = pod.get("spec") or {}
    match path:
        case "spec.nodeName" | "spec.serviceAccountName":
            return str(spec.get(path.removeprefix("spec.")) or "")
        case "status.hostIP":
            return host_ips[0] if host_ips else ""
        case "status.hostIPs":
            return ",".join(host_ips)
        case "status.podIP":
            return pod_ips[0] if pod_ips else ""
        case "status.podIPs":
            return ",".join(pod_ips)
    return pod_field(pod, path)


def _limits_with_defaults(
    pod: Mapping[str, Any], container: Mapping[str, Any], allocatable: Mapping[str, Any]
) -> dict[str, Any]:
    limits = dict((container.get("resources") or {}).get("limits") or {})
    pod_limits = ((pod.get("spec") or {}).get("resources") or {}).get("limits") or {}
    for resource in _DEFAULTED:
        if resource in limits and quantity.parse(limits[resource]).milli_value() != 0:
            continue
        fallback = pod_limits.get(resource, allocatable.get(resource))
        if fallback is not None:
            limits[resource] = fallback
    return limits


def _named_container(pod: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], bool]:
    """The container and whether it is an init container."""
    for field, is_init in (("containers", False), ("initContainers", True)):
        for container in pod["spec"].get(field) or ():
            if container["name"] == name:
                return container, is_init
    raise FieldPathError(f"container {name} not found")


def container_resource(
    pod: Mapping[str, Any],
    container: Mapping[str, Any] | None,
    selector: Mapping[str, Any],
    node: Mapping[str, Any] | None,
    *,
    default_init_limits: bool = False,
) -> str:
    """The value of a `resourceFieldRef`, in units of its divisor, rounded up.

    A missing limit is the pod's, or else the node's allocatable; as upstream has it, init containers that another
    container's variable names get no default, those that a volume names do.
    """
    allocatable = ((node or {}).get("status") or {}).get("allocatable") or {}
    name = selector.get("containerName") or ""
    if name or container is None:
        container, is_init = _named_container(pod, name)
        if is_init and not default_init_limits:
            allocatable, pod = {}, {}
    kind, _, resource = str(selector.get("resource") or "").partition(".")
    if kind not in ("limits", "requests") or not (resource in _DEFAULTED or resource.startswith("hugepages-")):
        raise FieldPathError(f"unsupported container resource : {selector.get('resource')}")
    if kind == "limits":
        values = _limits_with_defaults(pod, container, allocatable)
    else:
        values = (container.get("resources") or {}).get("requests") or {}
    return str(_in_units(quantity.parse(values.get(resource, 0)), selector.get("divisor"), resource == "cpu"))


def _in_units(value: quantity.Quantity, divisor_text: Any, is_cpu: bool) -> int:
    divisor = quantity.parse(divisor_text) if divisor_text else _UNIT
    if divisor.milli_value() == 0:
        divisor = _UNIT
    if is_cpu:
        return -(-value.milli_value() // divisor.milli_value())
    return -(-value.value() // divisor.value())
