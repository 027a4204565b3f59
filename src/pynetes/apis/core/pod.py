"""Pod."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy, labels
from pynetes.apimachinery.times import format_time
from pynetes.apis.core.disabled_pod_fields import drop_in_pod
from pynetes.apis.core.pod_resize_validation import validate_pod_resize
from pynetes.apis.core.pod_spec_defaults import default_own_spec, drop_init_container_annotations
from pynetes.apis.core.pod_update_validation import (
    validate_ephemeral_containers_update,
    validate_pod_status_update,
    validate_pod_update,
)
from pynetes.apis.core.pod_validation import validate_pod
from pynetes.apis.core.pod_warnings import pod_warnings
from pynetes.apis.core.qos import compute_qos_class
from pynetes.apis.strategy import METADATA_FIELDS, Object, Strategy, take_over
from pynetes.component import clock

_TERMINAL = ("Failed", "Succeeded")


class PodStrategy(Strategy):
    has_status = True
    maintains_generation = True
    templated = True
    # Kubelets once corrupted owner references through the status, which broke garbage collection.
    status_keeps_metadata = frozenset(("ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"))
    selectable = METADATA_FIELDS | {
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    }

    drop_disabled_fields = staticmethod(drop_in_pod)

    def default(self, obj: Object) -> None:
        default_own_spec(obj.setdefault("spec", {}))
        self.default_beyond_spec(obj)

    def default_beyond_spec(self, obj: Object) -> None:
        drop_init_container_annotations(obj)
        status = obj.get("status")
        if status:
            _align_pod_ips(status)

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        status: Object = {"phase": "Pending", "qosClass": compute_qos_class(obj)}
        if obj["spec"].get("schedulingGates"):
            status["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "lastProbeTime": None,
                    "lastTransitionTime": format_time(clock.now()),
                    "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                }
            ]
        obj["status"] = status
        _merge_label_keys(obj)

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_status_update(obj, old)
        status = obj.setdefault("status", {})
        old_status = old.get("status") or {}
        for field in ("qosClass", "observedGeneration"):
            if not status.get(field) and old_status.get(field):
                status[field] = old_status[field]
        _keep_condition_generations(status, old_status)
        _align_pod_ips(status)

    def validate(self, obj: Object) -> list[FieldError]:
        return validate_pod(obj)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_pod_update(obj, old)

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_pod_status_update(obj, old)

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        return pod_warnings(obj) if old is None else []

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        pod_ips = status.get("podIPs") or [{"ip": status.get("podIP")}]
        return super().selectable_fields(obj) | {
            "spec.nodeName": spec.get("nodeName") or "",
            "spec.restartPolicy": spec.get("restartPolicy") or "",
            "spec.schedulerName": spec.get("schedulerName") or "",
            "spec.serviceAccountName": spec.get("serviceAccountName") or "",
            "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
            "status.phase": status.get("phase") or "",
            "status.podIP": pod_ips[0].get("ip") or "",
            "status.nominatedNodeName": status.get("nominatedNodeName") or "",
        }

    def graceful_seconds(self, obj: Object, options: Object) -> int | None:
        """Pods always end gracefully; with zero seconds where no kubelet has anything to stop."""
        spec = obj.get("spec") or {}
        phase = (obj.get("status") or {}).get("phase")
        if not spec.get("nodeName") or phase in _TERMINAL:
            return 0
        asked = options.get("gracePeriodSeconds")
        seconds = spec.get("terminationGracePeriodSeconds") if asked is None else asked
        return 1 if (seconds or 0) < 0 else int(seconds or 0)


def _align_pod_ips(status: Object) -> None:
    """podIP is podIPs[0]; where they differ, podIP (older kubelets wrote only this) counts. hostIP needs no such care:
    the kubelet writes both."""
    ip, ips = status.get("podIP"), status.get("podIPs")
    if ip and (not ips or ips[0].get("ip") != ip):
        status["podIPs"] = [{"ip": ip}]
    elif ips and not ip:
        status["podIP"] = ips[0].get("ip")


def _keep_condition_generations(status: Object, old_status: Object) -> None:
    """A writer that knows nothing of observedGeneration does not erase it."""
    known: dict[str, list[int]] = {}
    for condition in old_status.get("conditions") or ():
        known.setdefault(condition.get("type") or "", []).append(condition.get("observedGeneration") or 0)
    for condition in status.get("conditions") or ():
        earlier = known.get(condition.get("type") or "")
        generation = earlier.pop(0) if earlier else 0
        if generation and not condition.get("observedGeneration"):
            condition["observedGeneration"] = generation


def _merge_label_keys(pod: Object) -> None:
    """matchLabelKeys and mismatchLabelKeys become selector expressions with the pod's own values."""
    spec, own = pod["spec"], labels(pod)
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        preferred = rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [p["podAffinityTerm"] for p in preferred if p.get("podAffinityTerm")]
        for term in terms:
            _add_expressions(term, "matchLabelKeys", "In", own)
            _add_expressions(term, "mismatchLabelKeys", "NotIn", own)
    for constraint in spec.get("topologySpreadConstraints") or ():
        _add_expressions(constraint, "matchLabelKeys", "In", own)


def _add_expressions(term: Object, field: str, operator: str, own: dict[str, str]) -> None:
    selector = term.get("labelSelector")
    if selector is None:  # matches nothing anyway
        return
    for key in term.get(field) or ():
        if key in own:
            expression = {"key": key, "operator": operator, "values": [own[key]]}
            selector.setdefault("matchExpressions", []).append(expression)


class EphemeralContainersStrategy(PodStrategy):
    """`pods/ephemeralcontainers`: adds ephemeral containers, nothing else."""

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        _keep_all_but_spec(obj, old)
        spec = copy(old["spec"])
        added = (obj.get("spec") or {}).get("ephemeralContainers")
        if added is None:
            spec.pop("ephemeralContainers", None)
        else:
            spec["ephemeralContainers"] = added
        obj["spec"] = spec
        _count_generation(self, obj, old)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_ephemeral_containers_update(obj, old)


class ResizeStrategy(PodStrategy):
    """`pods/resize`: changes CPU and memory of containers in place."""

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        new_spec: Object = obj.get("spec") or {}
        _keep_all_but_spec(obj, old)
        spec = copy(old["spec"])
        for field in ("containers", "initContainers"):
            spec[field] = _with_resources(new_spec.get(field) or [], spec.get(field) or [])
            if not spec[field]:
                del spec[field]
        take_over(spec, new_spec, "resources")
        obj["spec"] = spec
        _count_generation(self, obj, old)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_pod_resize(obj, old)


def _with_resources(new: list[Object], old: list[Object]) -> list[Object]:
    """The old containers with the new ones' resources; the new ones if they are not the same containers, so that
    validation sees and refuses that."""
    if [c.get("name") for c in new] != [c.get("name") for c in old]:
        return new
    for mine, theirs in zip(old, new, strict=True):
        take_over(mine, theirs, "resources", "resizePolicy")
    return old


def _keep_all_but_spec(obj: Object, old: Object) -> None:
    take_over(obj, old, "status")
    kept = ("labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp")
    take_over(obj["metadata"], old["metadata"], *kept)


def _count_generation(strategy: PodStrategy, obj: Object, old: Object) -> None:
    strategy.keep_generation(obj, old)
    if strategy.generation_changes(obj, old):
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
