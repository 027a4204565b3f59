"""What may change on a pod that exists: very little of its spec, and its status within limits."""

from pynetes.apimachinery import names
from pynetes.apimachinery.meta import copy
from pynetes.apis.core.container_status_validation import validate_container_statuses
from pynetes.apis.core.pod_claim_status_validation import validate_claim_statuses
from pynetes.apis.core.pod_restart import could_restart
from pynetes.apis.core.pod_validation import (
    APP_ARMOR,
    MIRROR,
    validate_metadata_and_spec,
    validate_pod_annotations,
)
from pynetes.apis.core.scheduling_validation import validate_tolerations
from pynetes.apis.core.spec_difference import difference
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors, parse_ip
from pynetes.apis.strategy import Object

_UPDATABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)
_MAX_INT32 = 2**31 - 1
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")
_NOT_NEGATIVE = "must be a non-negative integer"


def validate_pod_update(pod: Object, old: Object) -> FieldErrors:
    found = validate_metadata_and_spec(pod)
    _annotation_updates(found, pod, old)
    new_spec, old_spec = pod["spec"], old["spec"]
    for field in ("containers", "initContainers"):
        if not _same_containers(found, new_spec.get(field) or [], old_spec.get(field) or [], f"spec.{field}"):
            return found
    if not _deadline(found, new_spec.get("activeDeadlineSeconds"), old_spec.get("activeDeadlineSeconds")):
        return found
    _added_tolerations(found, new_spec.get("tolerations") or [], old_spec.get("tolerations") or [])
    _removed_gates(found, new_spec.get("schedulingGates") or [], old_spec.get("schedulingGates") or [])
    if semantic_equal(new_spec, old_spec):
        return found
    munged = _with_allowed_changes_undone(found, new_spec, old_spec)
    if not semantic_equal(munged, old_spec):
        fields = ",".join(_UPDATABLE)
        changes = difference(old_spec, munged)
        found.forbidden("spec", f"pod updates may not change fields other than {fields}\n{changes}")
    return found


def _annotation_updates(found: FieldErrors, pod: Object, old: Object) -> None:
    new, earlier = pod["metadata"].get("annotations") or {}, old["metadata"].get("annotations") or {}
    for key in sorted(new.keys() | earlier.keys()):
        if new.get(key) == earlier.get(key):
            continue
        verb = "remove or update" if key in earlier else "add"
        if key.startswith(APP_ARMOR):
            found.forbidden(f"metadata.annotations[{key}]", f"may not {verb} AppArmor annotations")
        elif key == MIRROR:
            found.forbidden(f"metadata.annotations[{key}]", f"may not {verb} mirror pod annotation")


def _same_containers(found: FieldErrors, new: list[Object], old: list[Object], path: str) -> bool:
    if len(new) != len(old):
        found.forbidden(path, "pod updates may not add or remove containers")
        return False
    for index, container in enumerate(new):
        image = container.get("image") or ""
        found.present(f"{path}[{index}].image", image)
        if image != image.strip():
            found.invalid(f"{path}[{index}].image", image, "must not have leading or trailing whitespace")
    return True


def _deadline(found: FieldErrors, new: int | None, old: int | None) -> bool:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        if old is not None:
            found.invalid(path, None, "must not update from a positive integer to nil value")
        return True
    if not 0 <= new <= _MAX_INT32:
        found.invalid(path, new, names.range_error(0, _MAX_INT32))
        return False
    if old is not None and old < new:
        found.invalid(path, new, "must be less than or equal to previous value")
        return False
    return True


def _added_tolerations(found: FieldErrors, new: list[Object], old: list[Object]) -> None:
    kept = [{k: v for k, v in t.items() if k != "tolerationSeconds"} for t in new]
    for toleration in old:
        same = {k: v for k, v in toleration.items() if k != "tolerationSeconds"}
        if same not in kept and not any(semantic_equal(same, k) for k in kept):
            detail = "existing toleration can not be modified except its tolerationSeconds"
            found.forbidden("spec.tolerations", detail)
            return
    validate_tolerations(found, new, "spec.tolerations")


def _removed_gates(found: FieldErrors, new: list[Object], old: list[Object]) -> None:
    known = {g.get("name") for g in old}
    for index, gate in enumerate(new):
        if gate.get("name") not in known:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name') or ''}'"
            found.forbidden(f"spec.schedulingGates[{index}].name", detail)


def _with_allowed_changes_undone(found: FieldErrors, new_spec: Object, old_spec: Object) -> Object:
    munged: Object = copy(new_spec)
    for field in ("containers", "initContainers"):
        for mine, theirs in zip(munged.get(field) or (), old_spec.get(field) or (), strict=True):
            mine["image"] = theirs.get("image")
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        munged[field] = old_spec.get(field)
    grace = old_spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        munged["terminationGracePeriodSeconds"] = grace
    if old_spec.get("schedulingGates"):
        _undo_gated_changes(found, munged, old_spec)
    return munged


def _undo_gated_changes(found: FieldErrors, munged: Object, old_spec: Object) -> None:
    """While a pod waits at its gates, node selector and affinity may become narrower."""
    old_selector, new_selector = old_spec.get("nodeSelector") or {}, munged.get("nodeSelector")
    if any((new_selector or {}).get(k) != v for k, v in old_selector.items()):
        detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        found.invalid("spec.nodeSelector", new_selector, detail)
    munged["nodeSelector"] = old_selector
    old_affinity = (old_spec.get("affinity") or {}).get("nodeAffinity")
    new_affinity = (munged.get("affinity") or {}).get("nodeAffinity")
    if not semantic_equal(old_affinity, new_affinity):
        _narrowed(found, new_affinity or {}, old_affinity or {})
        affinity = dict(munged.get("affinity") or {})
        affinity["nodeAffinity"] = old_affinity
        munged["affinity"] = affinity if any(v is not None for v in affinity.values()) else None


def _narrowed(found: FieldErrors, new: Object, old: Object) -> None:
    path = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    old_terms = (old.get(_REQUIRED) or {}).get("nodeSelectorTerms") or []
    new_terms = (new.get(_REQUIRED) or {}).get("nodeSelectorTerms")
    if old_terms and len(old_terms) != len(new_terms or ()):
        detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        found.invalid(path, new_terms, detail)
        return
    for index, (term, earlier) in enumerate(zip(new_terms or (), old_terms, strict=False)):
        if not _only_additions(term, earlier):
            detail = "only additions are allowed (no mutations or deletions)"
            found.invalid(f"{path}[{index}]", term, detail)


def _only_additions(new: Object, old: Object) -> bool:
    fields = ("matchExpressions", "matchFields")
    if not any(old.get(f) for f in fields):  # such a term matches nothing, and must go on doing so
        return not any(new.get(f) for f in fields)
    for field in fields:
        earlier = old.get(field) or []
        if not semantic_equal((new.get(field) or [])[: len(earlier)], earlier):
            return False
    return True


def validate_pod_status_update(pod: Object, old: Object) -> FieldErrors:
    found = FieldErrors()
    _annotation_updates(found, pod, old)
    validate_pod_annotations(found, pod["metadata"].get("annotations") or {}, pod["spec"], "metadata.annotations")
    status, earlier = pod.get("status") or {}, old.get("status") or {}
    for index, condition in enumerate(status.get("conditions") or ()):
        own = f"status.conditions[{index}]"
        if (condition.get("observedGeneration") or 0) < 0:
            found.invalid(f"{own}.observedGeneration", condition["observedGeneration"], _NOT_NEGATIVE)
        if condition.get("type") not in _SYSTEM_CONDITIONS:
            found.rule(f"{own}.Type", condition.get("type") or "", names.qualified_name)
    nominated = status.get("nominatedNodeName") or ""
    if nominated and nominated != (earlier.get("nominatedNodeName") or ""):
        found.rule("status.nominatedNodeName", nominated, names.dns1123_subdomain)
        if old["spec"].get("nodeName"):
            detail = "may not be set on pods that are already bound to a node"
            found.forbidden("status.nominatedNodeName", detail)
    if (status.get("observedGeneration") or 0) < 0:
        found.invalid("status.observedGeneration", status["observedGeneration"], _NOT_NEGATIVE)
    found.immutable("status.qosClass", status.get("qosClass") or "", earlier.get("qosClass") or "")
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        _transitions(found, status.get(field) or [], earlier.get(field) or [], field, old["spec"])
    validate_claim_statuses(found, status, old["spec"])
    _addresses(found, status, earlier, "podIPs")
    if status.get("hostIPs"):
        if status["hostIPs"][0].get("ip") != (status.get("hostIP") or ""):
            found.invalid("status.hostIPs[0].ip", status["hostIPs"][0].get("ip") or "", "must be equal to `hostIP`")
        _addresses(found, status, earlier, "hostIPs")
    validate_container_statuses(found, status, pod["spec"])
    return found


def _transitions(found: FieldErrors, new: list[Object], old: list[Object], field: str, spec: Object) -> None:
    """A container that has ended for good stays ended."""
    for index, earlier in enumerate(old):
        terminated = (earlier.get("state") or {}).get("terminated")
        if terminated is None:
            continue
        now = next((s for s in new if s.get("name") == earlier.get("name")), None)
        if now is None or (now.get("state") or {}).get("terminated") is not None:
            continue
        if could_restart(spec, field, earlier.get("name") or "", terminated.get("exitCode") or 0):
            continue
        found.forbidden(f"status.{field}[{index}].state", "may not be transitioned to non-terminated state")


def _addresses(found: FieldErrors, status: Object, earlier: Object, field: str) -> None:
    before = [a.get("ip") or "" for a in earlier.get(field) or ()]
    addresses = [a.get("ip") or "" for a in status.get(field) or ()]
    for index, address in enumerate(addresses):
        found.ip(f"status.{field}[{index}]", address, before)
    if len(addresses) > 1:
        wrong = next(((i, a) for i, a in enumerate(addresses) if parse_ip(a) is None), None)
        if wrong is not None:
            detail = f"failed to check for dual stack with error:invalid IP[{wrong[0]}]: {wrong[1]}"
            found.internal(f"status.{field}", detail)
        families = {parsed.version for a in addresses if (parsed := parse_ip(a))}
        if len(addresses) > 2 or len(families) != 2:
            found.invalid(f"status.{field}", status[field], "may specify no more than one IP for each IP family")


def validate_ephemeral_containers_update(pod: Object, old: Object) -> FieldErrors:
    if MIRROR in (old["metadata"].get("annotations") or {}):
        found = FieldErrors()
        found.forbidden("", "static pods do not support ephemeral containers")
        return found
    found = validate_metadata_and_spec(pod)
    _annotation_updates(found, pod, old)
    now = {c.get("name"): c for c in pod["spec"].get("ephemeralContainers") or ()}
    for container in old["spec"].get("ephemeralContainers") or ():
        name = container.get("name") or ""
        if name not in now:
            found.forbidden("spec.ephemeralContainers", f'existing ephemeral containers "{name}" may not be removed\n')
        elif not semantic_equal(container, now[name]):
            changes = difference(container, now[name])
            detail = f'existing ephemeral containers "{name}" may not be changed\n{changes}'
            found.forbidden("spec.ephemeralContainers", detail)
    return found
