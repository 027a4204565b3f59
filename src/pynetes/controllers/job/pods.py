"""A Job's pods: what they mean to it, and what a new one looks like."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.controllers.podcontrol import state
from pynetes.controllers.podcontrol.template import pod_from_template

Object = dict[str, Any]

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"


def is_indexed(job: Object) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def is_tracked(pod: Object) -> bool:
    """Whether the pod is still to be counted."""
    return FINALIZER in meta.finalizers(pod)


def index_of(pod: Object) -> int:
    """-1 without a valid index."""
    text = meta.annotations(pod).get(INDEX, "")
    return int(text) if text.isdecimal() else -1


def replaces_failed_only(job: Object) -> bool:
    """New pods only when old ones have ended, not when they begin to."""
    return bool(job["spec"].get("podReplacementPolicy") == "Failed")


def is_failed(job: Object, pod: Object) -> bool:
    """A pod on its way out counts as failed, lest one that never reports its end is waited for."""
    if state.phase(pod) == "Failed":
        return True
    return not replaces_failed_only(job) and meta.is_deleting(pod) and state.phase(pod) != "Succeeded"


def index_failures(pod: Object) -> int:
    text = meta.annotations(pod).get(INDEX_FAILURES, "")
    return int(text) if text.isdecimal() else 0


def new_pod(job: Object, index: int | None, failures: int = 0) -> Object:
    """`failures` is how often this index failed before, for Jobs that limit it per index."""
    pod = pod_from_template(job["spec"]["template"], job)
    metadata, spec = pod["metadata"], pod["spec"]
    metadata["finalizers"] = [*meta.finalizers(pod), FINALIZER]
    if index is None:
        return pod
    metadata["generateName"] = f"{meta.name(job)}-{index}-"
    metadata["labels"] = {**meta.labels(pod), INDEX: str(index)}
    metadata["annotations"] = {**meta.annotations(pod), INDEX: str(index)}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        metadata["annotations"][INDEX_FAILURES] = str(failures)
    spec["hostname"] = f"{meta.name(job)}-{index}"[:63].rstrip("-")
    variable = {
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}},
    }
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        present = container.get("env") or []
        if all(entry["name"] != variable["name"] for entry in present):
            container["env"] = [*present, meta.copy(variable)]
    return pod
