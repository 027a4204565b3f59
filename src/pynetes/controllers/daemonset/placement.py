"""Which nodes run a DaemonSet's pods, and what the pod for a node looks like."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.controllers.podcontrol import nodematch, state
from pynetes.controllers.podcontrol.template import pod_from_template

Object = dict[str, Any]

HASH_LABEL = "controller-revision-hash"
GENERATION_LABEL = "pod-template-generation"
GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"

_ALWAYS = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_HOST_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


def tolerations(spec: Object) -> list[Object]:
    """A template's own, and those that keep daemons running where other pods would not."""
    out: list[Object] = meta.copy(spec.get("tolerations") or [])
    wanted = [*_ALWAYS, _HOST_NETWORK] if spec.get("hostNetwork") else list(_ALWAYS)
    for key, effect in wanted:
        toleration = {"key": key, "operator": "Exists", "effect": effect}
        if toleration not in out:
            out.append(toleration)
    return out


def should_run(daemon_set: Object, node: Object) -> tuple[bool, bool]:
    """(should a pod run on this node, may one that runs there stay)."""
    spec = daemon_set["spec"]["template"].get("spec") or {}
    if spec.get("nodeName") and spec["nodeName"] != meta.name(node):
        return False, False
    if not nodematch.matches_affinity(node, spec):
        return False, False
    bears = tolerations(spec)
    if nodematch.untolerated(node, bears, ("NoExecute", "NoSchedule")) is None:
        return True, True
    return False, nodematch.untolerated(node, bears, ("NoExecute",)) is None


def target_node(pod: Object) -> str | None:
    """The node a pod runs on, or that its affinity names."""
    name = state.node_name(pod)
    if name:
        return name
    for term in nodematch.required_terms(pod.get("spec") or {}) or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In" and len(field["values"]) == 1:
                found: str = field["values"][0]
                return found
    return None


def pod_for(daemon_set: Object, node: str, hash_: str) -> Object:
    """The pod to create: bound to its node by affinity, so that the scheduler still decides when it starts."""
    pod = pod_from_template(daemon_set["spec"]["template"], daemon_set)
    labels = {**(pod["metadata"].get("labels") or {}), HASH_LABEL: hash_}
    generation = template_generation(daemon_set)
    if generation is not None:
        labels[GENERATION_LABEL] = str(generation)
    pod["metadata"]["labels"] = labels
    spec = pod["spec"]
    spec["tolerations"] = tolerations(spec)
    affinity = spec.setdefault("affinity", {})
    node_affinity = affinity.setdefault("nodeAffinity", {})
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    # Replaces other terms: the controller checked them, and terms are alternatives.
    node_affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return pod


def template_generation(daemon_set: Object) -> int | None:
    text = meta.annotations(daemon_set).get(GENERATION_ANNOTATION, "")
    return int(text) if text.isdecimal() else None


def is_updated(pod: Object, hash_: str, generation: int | None) -> bool:
    """Whether a pod is of the present template."""
    labels = meta.labels(pod)
    same_generation = generation is not None and labels.get(GENERATION_LABEL) == str(generation)
    return same_generation or (bool(hash_) and labels.get(HASH_LABEL) == hash_)
