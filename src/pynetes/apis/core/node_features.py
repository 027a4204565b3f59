"""What of its pods a node must be able to do beyond what every node can: `status.declaredFeatures`.

Only features whose gate is on by default are known. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pynetes.apis.equality import semantic_equal

Object = Mapping[str, Any]

POD_LEVEL_RESIZE = "InPlacePodLevelResourcesVerticalScaling"
INIT_CONTAINER_RESIZE = "InPlacePodVerticalScalingInitContainers"
RESTART_ALL_CONTAINERS = "RestartAllContainersOnContainerExits"


def declared(node: Object) -> frozenset[str]:
    return frozenset((node.get("status") or {}).get("declaredFeatures") or ())


def needed_to_run(spec: Object) -> frozenset[str]:
    """Features without which a node cannot run the pod."""
    return frozenset((RESTART_ALL_CONTAINERS,)) if any(_restarts_all(c) for c in _containers(spec)) else frozenset()


def needed_to_change(old: Object, new: Object) -> frozenset[str]:
    """Features without which a node cannot follow the change of its pod's spec."""
    return frozenset(_changes(old, new))


def _changes(old: Object, new: Object) -> Iterator[str]:
    if not semantic_equal(old.get("resources"), new.get("resources")):
        yield POD_LEVEL_RESIZE
    pairs = zip(old.get("initContainers") or (), new.get("initContainers") or (), strict=False)
    if any(
        before.get("restartPolicy") != "Always" and not semantic_equal(before.get("resources"), after.get("resources"))
        for before, after in pairs
    ):
        yield INIT_CONTAINER_RESIZE


def _containers(spec: Object) -> Iterator[Object]:
    yield from spec.get("containers") or ()
    yield from spec.get("initContainers") or ()


def _restarts_all(container: Object) -> bool:
    return any(rule.get("action") == "RestartAllContainers" for rule in container.get("restartPolicyRules") or ())
