"""The scale subresource: the one number of replica sets and the like, in one shape for all."""

from pynetes.apimachinery import selectors
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(obj: Object) -> Object:
    """The Scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    metadata = {field: obj["metadata"][field] for field in _METADATA if obj["metadata"].get(field)}
    out: Object = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {}, "status": {}}
    if spec.get("replicas"):
        out["spec"]["replicas"] = spec["replicas"]
    out["status"]["replicas"] = status.get("replicas") or 0
    selector = _selector_text(spec.get("selector"))
    if selector:
        out["status"]["selector"] = selector
    return out


def with_scale(obj: Object, scale: Object) -> Object:
    """A copy of the object with the replicas of a Scale."""
    out: Object = copy(obj)
    out.setdefault("spec", {})["replicas"] = (scale.get("spec") or {}).get("replicas") or 0
    return out


def validate_scale(scale: Object) -> list[FieldError]:
    found = FieldErrors()
    found.non_negative("spec.replicas", (scale.get("spec") or {}).get("replicas"))
    return found


def _selector_text(selector: Object | None) -> str:
    """ReplicationControllers select by a plain map, all others by a LabelSelector."""
    if selector is None:
        return ""
    if "matchLabels" in selector or "matchExpressions" in selector:
        return str(selectors.from_label_selector(selector))
    return str(selectors.from_set(selector))
