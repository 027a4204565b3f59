"""Fields of pods that belong to features which are off in 1.36: they are taken out of what clients write, but for
objects that have them already.

Off are gang scheduling (`schedulingGroup`), stop signals, cluster trust bundles and pod certificates in projected
volumes, and what a node allocates for claims.
"""

from collections.abc import Iterator

from pynetes.apis.strategy import DropFields, Object

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_CLAIM_STATUSES = "nodeAllocatableResourceClaimStatuses"
_PROJECTIONS = ("clusterTrustBundle", "podCertificate")


def drop_in_pod_spec(spec: Object, old: Object | None) -> None:
    before = old or {}
    if spec.get("schedulingGroup") is not None and before.get("schedulingGroup") is None:
        del spec["schedulingGroup"]
    sources = list(_projections(spec))
    for kind in _PROJECTIONS if sources else ():
        if not any(source.get(kind) is not None for source in _projections(before)):
            for source in sources:
                source.pop(kind, None)
    living = [container for container in _containers(spec) if container.get("lifecycle") is not None]
    if living and not any(
        (container.get("lifecycle") or {}).get("stopSignal") is not None for container in _containers(before)
    ):
        for container in living:
            _drop_stop_signal(container)


def drop_in_pod(pod: Object, old: Object | None) -> None:
    drop_in_pod_spec(pod.get("spec") or {}, (old or {}).get("spec"))
    if not ((old or {}).get("status") or {}).get(_CLAIM_STATUSES):
        (pod.get("status") or {}).pop(_CLAIM_STATUSES, None)


def _drop_stop_signal(container: Object) -> None:
    lifecycle = container["lifecycle"]
    if lifecycle.pop("stopSignal", None) is None:
        return
    if lifecycle.get("preStop") is None and lifecycle.get("postStart") is None:
        del container["lifecycle"]


def _containers(spec: Object) -> Iterator[Object]:
    for field in _CONTAINERS:
        yield from spec.get(field) or ()


def _projections(spec: Object) -> Iterator[Object]:
    for volume in spec.get("volumes") or ():
        yield from (volume.get("projected") or {}).get("sources") or ()


def disabled_in(*path: str) -> DropFields:
    """For kinds that hold a pod template there."""

    def drop(obj: Object, old: Object | None) -> None:
        spec, before = (_at(each, (*path, "spec")) for each in (obj, old))
        if spec is not None:
            drop_in_pod_spec(spec, before)

    return drop


def _at(obj: Object | None, path: tuple[str, ...]) -> Object | None:
    for field in path:
        obj = (obj or {}).get(field)
    return obj
