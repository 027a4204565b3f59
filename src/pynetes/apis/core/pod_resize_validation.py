"""Resizing a running pod: CPU and memory may change, nothing else, and not so that its QoS class would."""

from pynetes.apimachinery.meta import copy
from pynetes.apis.core.pod_validation import MIRROR, validate_metadata_and_spec
from pynetes.apis.core.qos import compute_qos_class, qos_class
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_RESIZABLE = ("cpu", "memory")
_FIELDS = ("requests", "limits")


def validate_pod_resize(pod: Object, old: Object) -> FieldErrors:
    refused = _refusal(old)
    if refused:
        return refused
    found = validate_metadata_and_spec(pod)
    if qos_class(old) != compute_qos_class(pod):
        qos = (pod.get("status") or {}).get("qosClass") or ""
        found.invalid("spec", qos, "Pod QOS Class may not change as a result of resizing")
    if not _node_supports(old):
        found.forbidden("spec", "Pod running on node without support for resize")
    if (old.get("status") or {}).get("nodeAllocatableResourceClaimStatuses"):
        found.forbidden("spec", "pods with node allocatable resource claims cannot be resized")
    new_spec, old_spec = pod["spec"], old["spec"]
    munged: Object = copy(new_spec)
    _pod_level(found, munged, old_spec)
    if not _same_order(found, new_spec, old_spec):
        return found
    for field in ("initContainers", "containers"):
        _check_removed(found, munged, old_spec, field)
    for field in ("containers", "initContainers"):
        _check_changed(found, munged, old_spec, field)
    if not found and not semantic_equal(munged, old_spec):
        found.forbidden("spec", "only cpu and memory resources are mutable")
    return found


def _refusal(old: Object) -> FieldErrors:
    found = FieldErrors()
    if MIRROR in (old["metadata"].get("annotations") or {}):
        found.forbidden("", "static pods cannot be resized")
    elif (old["spec"].get("os") or {}).get("name") == "windows":
        found.forbidden("", "windows pods cannot be resized")
    return found


def _node_supports(pod: Object) -> bool:
    """A kubelet that can resize reports the resources of running containers."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is not None
    return True


def _same_order(found: FieldErrors, new_spec: Object, old_spec: Object) -> bool:
    before = len(found)
    for field in ("containers", "initContainers"):
        new, old = new_spec.get(field) or [], old_spec.get(field) or []
        if len(new) != len(old):
            found.forbidden(f"spec.{field}", f"{field} may not be added or removed on resize")
            continue
        for index, (mine, theirs) in enumerate(zip(new, old, strict=True)):
            if mine.get("name") != theirs.get("name"):
                found.forbidden(f"spec.{field}[{index}].name", f"{field} may not be renamed or reordered on resize")
    return len(found) == before


def _removed(new: Object | None, old: Object | None) -> bool:
    return bool((old or {}).keys() - (new or {}).keys())


def _restored(resources: Object | None, old: Object | None) -> Object | None:
    """The new requirements with CPU and memory as they were."""
    if resources is None:
        return None
    out: Object = {k: v for k, v in resources.items() if k not in _FIELDS}
    for field in _FIELDS:
        earlier = (old or {}).get(field) or {}
        kept = {k: v for k, v in (resources.get(field) or {}).items() if k not in _RESIZABLE}
        kept |= {k: earlier[k] for k in _RESIZABLE if k in earlier}
        if kept:
            out[field] = kept
    return out


def _pod_level(found: FieldErrors, munged: Object, old_spec: Object) -> None:
    new, old = munged.get("resources"), old_spec.get("resources")
    if not new and not old:
        return
    if old is not None and new is None:
        found.forbidden("spec.resources", "pod-level resources cannot be removed")
        return
    for field in _FIELDS:
        if old is not None and _removed((new or {}).get(field), old.get(field)):
            found.forbidden(f"spec.resources.{field}", f"pod-level resource {field} cannot be removed")
    munged["resources"] = _restored(new, old) or (old and {})
    if not semantic_equal(munged["resources"], old):
        found.forbidden("spec", "only cpu and memory resources are mutable at pod-level")


def _check_removed(found: FieldErrors, new_spec: Object, old_spec: Object, field: str) -> None:
    for index, (mine, old) in enumerate(_pairs(new_spec, old_spec, field)):
        for kind in _FIELDS:
            if _removed((mine.get("resources") or {}).get(kind), (old.get("resources") or {}).get(kind)):
                found.forbidden(f"spec.{field}[{index}].resources.{kind}", f"resource {kind} cannot be removed")


def _check_changed(found: FieldErrors, munged: Object, old_spec: Object, field: str) -> None:
    """Nothing but CPU and memory may differ; they are made equal in `munged`."""
    for index, (mine, old) in enumerate(_pairs(munged, old_spec, field)):
        old_resources, path = old.get("resources") or {}, f"spec.{field}[{index}]"
        changed = not semantic_equal(mine, old)
        restored = _restored(mine.get("resources") or {}, old_resources) or {}
        mine["resources"] = {kind: value for kind, value in restored.items() if kind in _FIELDS}
        before = {**old, "resources": {kind: old_resources.get(kind) for kind in _FIELDS}}
        same = semantic_equal(mine, before)
        if field == "containers":
            if not same:
                found.forbidden("spec", "only cpu and memory resources are mutable")
            continue
        if not same:
            detail = "only cpu and memory resources for init or sidecar containers are mutable"
            found.forbidden(path, detail)
        policies = [p.get("restartPolicy") for p in mine.get("resizePolicy") or ()]
        if changed and mine.get("restartPolicy") != "Always" and "RestartContainer" in policies:
            detail = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            found.forbidden(path, detail)


def _pairs(new_spec: Object, old_spec: Object, field: str) -> "zip[tuple[Object, Object]]":
    return zip(new_spec.get(field) or (), old_spec.get(field) or (), strict=True)
