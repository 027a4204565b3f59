"""A pod as the scheduler sees it: everything that plugins read, computed once."""

from collections.abc import Hashable, Mapping
from typing import Any

import orjson
from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.selectors import LabelSelector, from_label_selector
from pynetes.scheduler.resources import CPU, MEMORY, Amounts, host_ports, pod_requests

Object = dict[str, Any]


class AffinityTerm(Struct, frozen=True):
    """Pods (of these namespaces, with these labels) near or far: on nodes of one value of `topology_key`."""

    topology_key: str
    selector: LabelSelector
    namespaces: frozenset[str]
    namespace_selector: LabelSelector | None
    weight: int = 0

    def matches(self, pod: "PodInfo", namespace_labels: Mapping[str, Mapping[str, str]]) -> bool:
        if pod.namespace not in self.namespaces:
            labels = namespace_labels.get(pod.namespace)
            if self.namespace_selector is None or labels is None or not self.namespace_selector.matches(labels):
                return False
        return self.selector.matches(pod.labels)


class SpreadConstraint(Struct, frozen=True):
    topology_key: str
    max_skew: int
    min_domains: int
    hard: bool
    selector: LabelSelector | None
    """None: the pods of the same controller (the system's default spreading)."""
    honor_affinity: bool = True
    honor_taints: bool = False


class PodInfo(Struct, eq=False):
    """One version of one pod. `row` is its node's row in the snapshot, -1 while it has none."""

    pod: Object
    uid: str
    key: str
    namespace: str
    labels: dict[str, str]
    priority: int
    requests: Amounts
    nonzero_cpu: int
    nonzero_memory: int
    tolerations: list[Object]
    ports: tuple[tuple[str, int, str], ...]
    affinity: list[AffinityTerm]
    anti_affinity: list[AffinityTerm]
    preferred_affinity: list[AffinityTerm]
    preferred_anti_affinity: list[AffinityTerm]
    spread: list[SpreadConstraint]
    controller: str
    is_deleting: bool
    group: Hashable
    """Equal for pods that plugins can tell apart by their node alone; see `podgroups`."""
    row: int = -1

    @property
    def spec(self) -> Object:
        spec: Object = self.pod["spec"]
        return spec

    @property
    def node_name(self) -> str:
        return str(self.spec.get("nodeName") or "")

    @property
    def nominated_node(self) -> str:
        return str((self.pod.get("status") or {}).get("nominatedNodeName") or "")

    @property
    def scheduler_name(self) -> str:
        return str(self.spec.get("schedulerName") or "default-scheduler")

    @property
    def gates(self) -> list[str]:
        return [gate["name"] for gate in self.spec.get("schedulingGates") or ()]

    @property
    def uses_affinity(self) -> bool:
        return bool(self.affinity or self.anti_affinity or self.preferred_affinity or self.preferred_anti_affinity)


def pod_info(pod: Object) -> PodInfo:
    """Reads a pod."""
    spec, metadata = pod["spec"], pod["metadata"]
    namespace = metadata.get("namespace", "")
    nonzero = pod_requests(pod, nonzero=True)
    affinity = spec.get("affinity") or {}
    near, far = affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}
    controller = meta.controller_of(pod)
    owner = controller["uid"] if controller else ""
    labels, is_deleting = meta.labels(pod), meta.is_deleting(pod)
    terms = orjson.dumps([near, far]) if near or far else b""
    return PodInfo(
        pod=pod,
        uid=metadata["uid"],
        key=meta.key(pod),
        namespace=namespace,
        labels=labels,
        priority=spec.get("priority") or 0,
        requests=pod_requests(pod),
        nonzero_cpu=nonzero[CPU],
        nonzero_memory=nonzero[MEMORY],
        tolerations=spec.get("tolerations") or [],
        ports=tuple(host_ports(pod)),
        affinity=_required(near, namespace),
        anti_affinity=_required(far, namespace),
        preferred_affinity=_preferred(near, namespace),
        preferred_anti_affinity=_preferred(far, namespace),
        spread=[_constraint(entry) for entry in spec.get("topologySpreadConstraints") or ()],
        controller=owner,
        is_deleting=is_deleting,
        group=(namespace, frozenset(labels.items()), owner, is_deleting, terms),
    )


def _required(affinity: Object, namespace: str) -> list[AffinityTerm]:
    return [_term(term, namespace) for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()]


def _preferred(affinity: Object, namespace: str) -> list[AffinityTerm]:
    return [
        _term(entry["podAffinityTerm"], namespace, entry["weight"])
        for entry in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    ]


def _term(term: Object, namespace: str, weight: int = 0) -> AffinityTerm:
    namespaces, selector = term.get("namespaces") or [], term.get("namespaceSelector")
    if not namespaces and selector is None:
        namespaces = [namespace]
    return AffinityTerm(
        topology_key=term["topologyKey"],
        selector=from_label_selector(term.get("labelSelector")),
        namespaces=frozenset(namespaces),
        namespace_selector=None if selector is None else from_label_selector(selector),
        weight=weight,
    )


def _constraint(entry: Object) -> SpreadConstraint:
    return SpreadConstraint(
        topology_key=entry["topologyKey"],
        max_skew=entry["maxSkew"],
        min_domains=entry.get("minDomains") or 1,
        hard=entry["whenUnsatisfiable"] == "DoNotSchedule",
        selector=from_label_selector(entry.get("labelSelector")),
        honor_affinity=entry.get("nodeAffinityPolicy", "Honor") == "Honor",
        honor_taints=entry.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )
