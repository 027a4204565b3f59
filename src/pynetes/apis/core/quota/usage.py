"""What one object takes: names of resources, as quotas write them, and amounts."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.core.pod_resources import Amounts, pod_limits, pod_requests
from pynetes.apis.core.quota.scopes import Match, is_terminating, matches_claim, matches_nothing, matches_pod

Object = dict[str, Any]

_ONE = Quantity(1)
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_STORAGE_CLASS = ".storageclass.storage.k8s.io/"
_DEVICE_CLASS = ".deviceclass.resource.k8s.io/devices"
#: What a request for all matching devices is charged: the most that a claim can be allocated.
_ALL_DEVICES = 32
_STORAGE_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def count_name(resource: str) -> str:
    """`count/deployments.apps`: any kind's objects may be counted. `resource`: with its group, as in messages."""
    return f"count/{resource}"


class Evaluator:
    """How objects of a kind are measured; this one counts them. `alias`: an older name of the count."""

    matches: Match = staticmethod(matches_nothing)

    def __init__(self, resource: str, alias: str = "") -> None:
        self.resource = resource
        self._names = tuple(name for name in (count_name(resource), alias) if name)

    def handles(self, operation: str, subresource: str, obj: Object, old: Object | None) -> bool:
        """Whether a write may change what is taken."""
        return operation == "CREATE" and not subresource

    def is_about(self, name: str) -> bool:
        """Whether a quota's resource is one of this kind's."""
        return name in self._names

    def missing(self, required: Iterable[str], obj: Object) -> str:
        """What an object fails to say that a quota with these resources must know; empty if nothing."""
        return ""

    def usage(self, obj: Object, now: datetime) -> Amounts:
        return dict.fromkeys(self._names, _ONE)


class PodEvaluator(Evaluator):
    """Requests and limits, under several names each. Pods that have ended count as objects only."""

    matches = staticmethod(matches_pod)

    def __init__(self) -> None:
        super().__init__("pods")
        self._names = (*self._names, "pods", *_COMPUTE, *(f"requests.{name}" for name in _COMPUTE))
        self._names = (*self._names, *(f"limits.{name}" for name in _COMPUTE))

    def handles(self, operation: str, subresource: str, obj: Object, old: Object | None) -> bool:
        if subresource:
            return subresource == "resize" and operation == "UPDATE"
        if operation == "UPDATE":
            return old is not None and is_terminating(old) != is_terminating(obj)
        return operation == "CREATE"

    def is_about(self, name: str) -> bool:
        if name in self._names or name.startswith(("hugepages-", "requests.hugepages-")):
            return True
        # Extended resources can be limited by what is requested alone.
        return (
            name.startswith("requests.")
            and "/" in name
            and "kubernetes.io/" not in name.replace("requests.deviceclass.resource.kubernetes.io/", "")
        )

    def missing(self, required: Iterable[str], obj: Object) -> str:
        """Whoever limits CPU or memory makes every container state them, if the pod does not as a whole."""
        spec = obj.get("spec") or {}
        if spec.get("resources"):
            return ""
        wanted = {name for name in required if name.split(".")[-1] in ("cpu", "memory")}
        missing: dict[str, set[str]] = {}
        for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
            resources = container.get("resources") or {}
            stated = _compute(_parsed(resources.get("requests")), _parsed(resources.get("limits")))
            for name in wanted - stated.keys():
                missing.setdefault(name, set()).add(container.get("name", ""))
        if not missing:
            return ""
        parts = (f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))
        return f"must specify {'; '.join(parts)}"

    def usage(self, obj: Object, now: datetime) -> Amounts:
        total: Amounts = {count_name(self.resource): _ONE}
        if not has_ended(obj, now):
            total |= {"pods": _ONE, **_compute(pod_requests(obj, held=True), pod_limits(obj, held=True))}
        return total


def has_ended(pod: Object, now: datetime) -> bool:
    """A pod that takes nothing any more: finished, or past the time it was given to end."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return True
    metadata = pod.get("metadata") or {}
    if not metadata.get("deletionTimestamp") or metadata.get("deletionGracePeriodSeconds") is None:
        return False
    begun = times.parse_time(metadata["deletionTimestamp"])
    return now > begun + timedelta(seconds=metadata["deletionGracePeriodSeconds"])


def _parsed(values: Object | None) -> Amounts:
    return {name: parse(value) for name, value in (values or {}).items()}


def _compute(requests: Amounts, limits: Amounts) -> Amounts:
    out: Amounts = {}
    for name, amount in requests.items():
        if name in _COMPUTE or name.startswith("hugepages-"):
            out[name] = out[f"requests.{name}"] = amount
        elif "/" in name:
            out[f"requests.{name}"] = amount
    out |= {f"limits.{name}": limits[name] for name in _COMPUTE if name in limits}
    return out


class ServiceEvaluator(Evaluator):
    def __init__(self) -> None:
        super().__init__("services", "services")
        self._names = (*self._names, "services.nodeports", "services.loadbalancers")

    def handles(self, operation: str, subresource: str, obj: Object, old: Object | None) -> bool:
        return operation in ("CREATE", "UPDATE") and not subresource

    def usage(self, obj: Object, now: datetime) -> Amounts:
        spec = obj.get("spec") or {}
        ports, balanced = spec.get("ports") or (), spec.get("type") == "LoadBalancer"
        node_ports = len(ports) if balanced or spec.get("type") == "NodePort" else 0
        if balanced and spec.get("allocateLoadBalancerNodePorts") is False:
            node_ports = sum(1 for port in ports if port.get("nodePort"))
        return {
            "count/services": _ONE,
            "services": _ONE,
            "services.nodeports": Quantity(node_ports),
            "services.loadbalancers": Quantity(int(balanced)),
        }


class ClaimEvaluator(Evaluator):
    """Storage that is asked for, of all classes and of each."""

    matches = staticmethod(matches_claim)

    def __init__(self) -> None:
        super().__init__("persistentvolumeclaims", "persistentvolumeclaims")
        self._names = (*self._names, "requests.storage")

    def handles(self, operation: str, subresource: str, obj: Object, old: Object | None) -> bool:
        if subresource == "status":
            return old is not None and _charged_in_status(obj) != _charged_in_status(old)
        return operation in ("CREATE", "UPDATE") and not subresource

    def is_about(self, name: str) -> bool:
        suffixes = (_STORAGE_CLASS + "persistentvolumeclaims", _STORAGE_CLASS + "requests.storage")
        return name in self._names or name.endswith(suffixes)

    def usage(self, obj: Object, now: datetime) -> Amounts:
        spec = obj.get("spec") or {}
        out: Amounts = {"count/persistentvolumeclaims": _ONE, "persistentvolumeclaims": _ONE}
        requested = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
        if requested is not None:
            allocated = ((obj.get("status") or {}).get("allocatedResources") or {}).get("storage")
            amounts = [parse(value) for value in (requested, allocated) if value is not None]
            out["requests.storage"] = max(amounts).round_up(0)
        storage_class = meta.annotations(obj).get(_STORAGE_CLASS_ANNOTATION) or spec.get("storageClassName")
        if storage_class:
            for name in ("persistentvolumeclaims", "requests.storage"):
                if name in out:
                    out[f"{storage_class}{_STORAGE_CLASS}{name}"] = out[name]
        return out


def _charged_in_status(claim: Object) -> tuple[Any, ...]:
    status = claim.get("status") or {}
    modified = (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName")
    allocated = (status.get("allocatedResources") or {}).get("storage")
    return allocated, status.get("currentVolumeAttributesClassName"), modified


class ResourceClaimEvaluator(Evaluator):
    """Devices of each class; of a request's alternatives the most that one of them takes of a class."""

    def __init__(self) -> None:
        super().__init__("resourceclaims.resource.k8s.io")

    def handles(self, operation: str, subresource: str, obj: Object, old: Object | None) -> bool:
        return operation in ("CREATE", "UPDATE") and not subresource

    def is_about(self, name: str) -> bool:
        return name in self._names or name.endswith(_DEVICE_CLASS)

    def usage(self, obj: Object, now: datetime) -> Amounts:
        devices: Counter[str] = Counter()
        for request in ((obj.get("spec") or {}).get("devices") or {}).get("requests") or ():
            most: Counter[str] = Counter()
            for alternative in request.get("firstAvailable") or [request.get("exactly") or {}]:
                most |= Counter({alternative.get("deviceClassName", ""): _devices(alternative)})
            devices += most
        return super().usage(obj, now) | {f"{name}{_DEVICE_CLASS}": Quantity(n) for name, n in devices.items()}


def _devices(request: Object) -> int:
    """Modes that are not known take nothing."""
    mode = request.get("allocationMode")
    return {"ExactCount": request.get("count") or 0, "All": _ALL_DEVICES}.get(mode or "", 0)


#: Kinds that are measured in a way of their own, or counted under an older name, too.
EVALUATORS: dict[str, Evaluator] = {
    evaluator.resource: evaluator
    for evaluator in (
        PodEvaluator(),
        ServiceEvaluator(),
        ClaimEvaluator(),
        ResourceClaimEvaluator(),
        *(Evaluator(name, name) for name in ("configmaps", "resourcequotas", "replicationcontrollers", "secrets")),
    )
}


def evaluator_of(resource: str) -> Evaluator:
    """Every kind can be counted."""
    return EVALUATORS.get(resource) or Evaluator(resource)
