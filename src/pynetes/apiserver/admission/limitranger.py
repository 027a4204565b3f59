"""LimitRanger: a namespace's LimitRanges give containers default resources and bound what they ask for."""

from collections.abc import Iterable, Iterator
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.names import LIMIT_RANGES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

Object = dict[str, Any]
Resources = dict[str, Quantity]

_ANNOTATION = "kubernetes.io/limit-ranger"
_POD_LEVEL = ("cpu", "memory")


class LimitRanger(Plugin):
    name = "LimitRanger"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        if attrs.gvr.group or attrs.operation not in ("CREATE", "UPDATE"):
            return False
        if attrs.gvr.resource == "pods":
            return attrs.subresource == ("" if attrs.operation == "CREATE" else "resize")
        return attrs.gvr.resource == "persistentvolumeclaims" and not attrs.subresource

    def _ranges(self, attrs: Attributes) -> list[Object]:
        if attrs.old is not None and meta.is_deleting(attrs.old):
            return []
        return self._objects.cached_list(LIMIT_RANGES, attrs.namespace)

    async def admit(self, attrs: Attributes) -> None:
        if attrs.gvr.resource == "pods" and attrs.obj is not None:
            for limit_range in self._ranges(attrs):
                set_defaults(attrs.obj, _limits(limit_range))

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        for limit_range in self._ranges(attrs):
            check = violations if attrs.gvr.resource == "pods" else claim_violations
            found = list(check(attrs.obj, _limits(limit_range)))
            if found:
                raise attrs.forbid(found[0] if len(found) == 1 else "[" + ", ".join(found) + "]")


def _limits(limit_range: Object) -> list[Object]:
    return (limit_range.get("spec") or {}).get("limits") or []


# --- defaults


def set_defaults(pod: Object, limits: Iterable[Object]) -> None:
    """Fills in requests and limits that containers leave open, and notes it in an annotation."""
    requests: Object = {}
    maxima: Object = {}
    for limit in limits:
        if limit.get("type") == "Container":
            requests |= limit.get("defaultRequest") or {}
            maxima |= limit.get("default") or {}
    if not requests and not maxima:
        return
    spec = pod.get("spec") or {}
    notes: list[str] = []
    for field, label in (("containers", "container"), ("initContainers", "init container")):
        for container in spec.get(field) or []:
            resources = container.setdefault("resources", {})
            for kind, word, values in (("requests", "request", requests), ("limits", "limit", maxima)):
                missing = sorted(values.keys() - (resources.get(kind) or {}).keys())
                if missing:
                    resources[kind] = {**(resources.get(kind) or {}), **{name: values[name] for name in missing}}
                    notes.append(f"{', '.join(missing)} {word} for {label} {container.get('name')}")
    if notes:
        meta.set_annotation(pod, _ANNOTATION, "LimitRanger plugin set: " + "; ".join(notes))


# --- bounds


def violations(pod: Object, limits: Iterable[Object]) -> Iterator[str]:
    spec = pod.get("spec") or {}
    for limit in limits:
        if limit.get("type") == "Container":
            for container in (spec.get("containers") or []) + (spec.get("initContainers") or []):
                yield from _bounds("Container", limit, _listed(container, "requests"), _listed(container, "limits"))
        elif limit.get("type") == "Pod":
            yield from _bounds("Pod", limit, pod_total(spec, "requests"), pod_total(spec, "limits"))


def claim_violations(claim: Object, limits: Iterable[Object]) -> Iterator[str]:
    """Only what is requested counts for storage."""
    requests = _listed(claim.get("spec") or {}, "requests")
    for limit in limits:
        if limit.get("type") == "PersistentVolumeClaim":
            for name, bound in _quantities(limit.get("min")).items():
                yield from _minimum("PersistentVolumeClaim", name, bound, requests, {})
            for name, bound in _quantities(limit.get("max")).items():
                yield from _compare_maximum("PersistentVolumeClaim", name, bound, requests.get(name), "request")


def _bounds(kind: str, limit: Object, requests: Resources, limits: Resources) -> Iterator[str]:
    for name, bound in _quantities(limit.get("min")).items():
        yield from _minimum(kind, name, bound, requests, limits)
    for name, bound in _quantities(limit.get("max")).items():
        yield from _maximum(kind, name, bound, requests, limits)
    for name, bound in _quantities(limit.get("maxLimitRequestRatio")).items():
        yield from _ratio(kind, name, bound, requests, limits)


def _minimum(kind: str, name: str, bound: Quantity, requests: Resources, limits: Resources) -> Iterator[str]:
    head = f"minimum {name} usage per {kind} is {bound}"
    request, limit = requests.get(name), limits.get(name)
    if request is None:
        yield f"{head}.  No request is specified"
    elif request < bound:
        yield f"{head}, but request is {request}"
    elif limit is not None and limit < bound:
        yield f"{head}, but limit is {limit}"


def _maximum(kind: str, name: str, bound: Quantity, requests: Resources, limits: Resources) -> Iterator[str]:
    found = list(_compare_maximum(kind, name, bound, limits.get(name), "limit"))
    if not found and name in requests:
        found = list(_compare_maximum(kind, name, bound, requests[name], "request"))
    yield from found


def _compare_maximum(kind: str, name: str, bound: Quantity, value: Quantity | None, word: str) -> Iterator[str]:
    head = f"maximum {name} usage per {kind} is {bound}"
    if value is None:
        yield f"{head}.  No {word} is specified"
    elif value > bound:
        yield f"{head}, but {word} is {value}"


def _ratio(kind: str, name: str, bound: Quantity, requests: Resources, limits: Resources) -> Iterator[str]:
    head = f"{name} max limit to request ratio per {kind} is {bound}"
    request, limit = requests.get(name), limits.get(name)
    if not request:
        yield f"{head}, but no request is specified or request is 0"
    elif not limit:
        yield f"{head}, but no limit is specified or limit is 0"
    elif float(limit) / float(request) > float(bound):
        yield f"{head}, but provided ratio is {float(limit) / float(request):f}"


# --- amounts


def _quantities(values: Object | None) -> Resources:
    return {name: parse(value) for name, value in (values or {}).items()}


def _listed(holder: Object, kind: str) -> Resources:
    return _quantities((holder.get("resources") or {}).get(kind))


def pod_total(spec: Object, kind: str) -> Resources:
    """What a pod as a whole asks for: its containers together, or its greediest moment of initialization."""
    total = _sum(_listed(container, kind) for container in spec.get("containers") or [])
    sidecars: Resources = {}
    peak: Resources = {}
    for container in spec.get("initContainers") or []:
        own = _listed(container, kind)
        if container.get("restartPolicy") == "Always":
            total, sidecars = _sum((total, own)), _sum((sidecars, own))
            peak = _max(peak, sidecars)
        else:
            peak = _max(peak, _sum((own, sidecars)))
    total = _max(total, peak)
    pod_level = _listed(spec, kind)
    return total | {name: value for name, value in pod_level.items() if name in _POD_LEVEL}


def _sum(parts: Iterable[Resources]) -> Resources:
    out: Resources = {}
    for part in parts:
        for name, value in part.items():
            out[name] = out[name] + value if name in out else value
    return out


def _max(one: Resources, other: Resources) -> Resources:
    return {name: max(value for value in (one.get(name), other.get(name)) if value is not None) for name in one | other}
