"""Questions about one pod object: where it came from, its containers, what must not be forgotten of its spec.

Pods are plain dicts as everywhere; nothing here changes one.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pynetes.apimachinery import meta

Pod = dict[str, Any]
Container = dict[str, Any]
ContainerKind = Literal["containers", "initContainers", "ephemeralContainers"]
KINDS: tuple[ContainerKind, ...] = ("initContainers", "containers", "ephemeralContainers")

CONFIG_SOURCE = "kubernetes.io/config.source"
CONFIG_SEEN = "kubernetes.io/config.seen"
CONFIG_HASH = "kubernetes.io/config.hash"
CONFIG_MIRROR = "kubernetes.io/config.mirror"

SYSTEM_CRITICAL_PRIORITY = 2_000_000_000
"""Pods of this priority and above are critical: evicted last, admitted by preemption."""


def uid(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"].get("uid") or "")


def full_name(pod: Mapping[str, Any]) -> str:
    """`name_namespace`: what a static pod and its mirror have in common."""
    return f"{meta.name(pod)}_{meta.namespace(pod)}"


def describe(pod: Mapping[str, Any]) -> str:
    """`name_namespace(uid)`: how upstream's messages name a pod."""
    return f"{full_name(pod)}({uid(pod)})"


def is_mirror(pod: Mapping[str, Any]) -> bool:
    return CONFIG_MIRROR in (pod["metadata"].get("annotations") or {})


def is_static(pod: Mapping[str, Any]) -> bool:
    source = (pod["metadata"].get("annotations") or {}).get(CONFIG_SOURCE)
    return source is not None and source != "api"


def is_critical(pod: Mapping[str, Any]) -> bool:
    """Static pods, mirrors and pods of a system-critical priority."""
    return is_static(pod) or is_mirror(pod) or (pod["spec"].get("priority") or 0) >= SYSTEM_CRITICAL_PRIORITY


def is_terminal(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def volume_images(pod: Mapping[str, Any]) -> list[str]:
    """References of the images that the pod has as volumes."""
    return [v["image"]["reference"] for v in pod["spec"].get("volumes") or () if "image" in v]


def uses_host_network(pod: Mapping[str, Any]) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def containers(pod: Mapping[str, Any]) -> list[Container]:
    return pod["spec"].get("containers") or []


def init_containers(pod: Mapping[str, Any]) -> list[Container]:
    return pod["spec"].get("initContainers") or []


def ephemeral_containers(pod: Mapping[str, Any]) -> list[Container]:
    return pod["spec"].get("ephemeralContainers") or []


def all_containers(pod: Mapping[str, Any]) -> Iterator[tuple[ContainerKind, Container]]:
    for kind in KINDS:
        for container in pod["spec"].get(kind) or ():
            yield kind, container


def find_container(pod: Mapping[str, Any], name: str) -> Container | None:
    return next((c for _, c in all_containers(pod) if c["name"] == name), None)


def field_path(pod: Mapping[str, Any], name: str) -> str:
    """`spec.containers{name}`: how events say which container they are about."""
    kind = next((k for k, c in all_containers(pod) if c["name"] == name), "containers")
    return f"spec.{kind}{{{name}}}"


def is_sidecar(container: Mapping[str, Any]) -> bool:
    """Of an init container: it keeps running beside the others (upstream: restartable init container)."""
    return container.get("restartPolicy") == "Always"


def has_sidecars(pod: Mapping[str, Any]) -> bool:
    return any(is_sidecar(c) for c in init_containers(pod))


def termination_grace_period(pod: Mapping[str, Any]) -> int:
    value = pod["spec"].get("terminationGracePeriodSeconds")
    return 30 if value is None else int(value)
