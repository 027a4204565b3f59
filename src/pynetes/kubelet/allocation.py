"""Resources of running pods that change in place: what the spec asks for, what the node has granted, what is real.

    spec ──(fits the node)──► allocated ──(runtime and cgroups follow)──► actuated

The last two are written beside the pod while they differ from the spec, so that a restart neither forgets a grant nor
takes a wish for one.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from msgspec import Struct, field

from pynetes.apimachinery import meta, quantity, times
from pynetes.component import clock
from pynetes.kubelet import pod as pods
from pynetes.kubelet.admit import Rejection
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.runtime.paths import pod_directory

log = logging.getLogger(__name__)

Pod = dict[str, Any]
Resources = dict[str, Any]
_KINDS = ("initContainers", "containers")
_FILE = "resources.json"

Admit = Callable[[Pod, list[Pod]], Rejection | None]


class _Entry(Struct):
    allocated: dict[str, Resources]
    actuated: dict[str, Resources]
    conditions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """PodResizePending and PodResizeInProgress, by type."""
    stored: bool = False


def spec_resources(pod: Mapping[str, Any]) -> dict[str, Resources]:
    """By container; ephemeral ones have none."""
    return {c["name"]: c.get("resources") or {} for kind in _KINDS for c in pod["spec"].get(kind) or ()}


def with_resources(pod: Pod, resources: Mapping[str, Resources]) -> Pod:
    """The pod with these resources instead of its own; the same object where nothing differs."""
    if all(resources.get(name, own) == own for name, own in spec_resources(pod).items()):
        return pod
    spec = dict(pod["spec"])
    for kind in _KINDS:
        if spec.get(kind):
            spec[kind] = [{**c, "resources": resources.get(c["name"], c.get("resources") or {})} for c in spec[kind]]
    return {**pod, "spec": spec}


def larger(one: Mapping[str, Resources], other: Mapping[str, Resources]) -> dict[str, Resources]:
    """For each container the greater of two amounts; what one of them lacks is no bound, and left out."""
    out: dict[str, Resources] = {}
    for name, first in one.items():
        second = other.get(name, first)
        out[name] = {}
        for kind in ("requests", "limits"):
            a, b = first.get(kind) or {}, second.get(kind) or {}
            out[name][kind] = {key: max(a[key], b[key], key=quantity.parse) for key in a.keys() & b.keys()}
    return out


class Allocations:
    def __init__(self, root: str, events: PodEvents) -> None:
        self._root, self._events = root, events
        self._entries: dict[str, _Entry] = {}

    def load(self, uids: Iterable[str]) -> None:
        """After a restart: what was granted and real before."""
        for uid in uids:
            try:
                stored = orjson.loads((pod_directory(self._root, uid) / _FILE).read_bytes())
                self._entries[uid] = _Entry(stored["allocated"], stored["actuated"], stored=True)
            except (OSError, ValueError, KeyError):
                continue

    def allocated(self, pod: Pod) -> Pod:
        """The pod as the node has granted it."""
        entry = self._entries.get(pods.uid(pod))
        return with_resources(pod, entry.allocated) if entry else pod

    def resolve(self, pod: Pod, admit: Admit, others: Iterable[Pod]) -> Pod:
        """Grants what the spec asks for if it fits; returns the pod as it is granted now."""
        uid, wanted = pods.uid(pod), spec_resources(pod)
        entry = self._entries.get(uid)
        if entry is None:
            self._entries[uid] = _Entry(dict(wanted), dict(wanted))
            return pod
        self._remember_conditions(pod, entry)
        if entry.allocated == wanted:
            entry.conditions.pop("PodResizePending", None)
            return pod
        rejection = admit(pod, [self.allocated(other) for other in others])
        if rejection is None:
            self._grant(pod, entry, wanted)
        else:
            self._defer(pod, entry, rejection)
        self._store(uid, entry)
        return self.allocated(pod)

    def _remember_conditions(self, pod: Pod, entry: _Entry) -> None:
        """What an earlier kubelet said goes on holding."""
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if entry.stored and condition["type"] in ("PodResizePending", "PodResizeInProgress"):
                entry.conditions.setdefault(condition["type"], dict(condition))
        entry.stored = False

    def _grant(self, pod: Pod, entry: _Entry, wanted: dict[str, Resources]) -> None:
        entry.allocated = dict(wanted)
        entry.conditions = {"PodResizeInProgress": _condition(pod, "PodResizeInProgress")}
        self._events.pod(pod, "Normal", "ResizeStarted", f"Pod resize started: {_summary(pod)}")

    def _defer(self, pod: Pod, entry: _Entry, rejection: Rejection) -> None:
        known = entry.conditions.get("PodResizePending") or {}
        new = _condition(pod, "PodResizePending", "Deferred", rejection.message)
        if (known.get("reason"), known.get("observedGeneration")) != (new["reason"], new.get("observedGeneration")):
            text = f"Pod resize Deferred: {_summary(pod, rejection.message)}"
            self._events.pod(pod, "Warning", "ResizeDeferred", text)
        else:
            new["lastTransitionTime"] = known.get("lastTransitionTime")
        entry.conditions["PodResizePending"] = new

    # -- what is real

    def actuated(self, uid: str) -> dict[str, Resources]:
        entry = self._entries.get(uid)
        return entry.actuated if entry else {}

    def set_actuated(self, uid: str, container: str, resources: Resources) -> None:
        entry = self._entries.get(uid)
        if entry is not None and entry.actuated.get(container) != resources:
            entry.actuated[container] = resources
            self._store(uid, entry)

    def failed(self, pod: Pod, message: str) -> None:
        """The runtime or the kernel refused the new resources; it is tried again."""
        entry = self._entries.get(pods.uid(pod))
        if entry is None:
            return
        condition = entry.conditions.setdefault("PodResizeInProgress", _condition(pod, "PodResizeInProgress"))
        if condition.get("message") != message:
            condition.update(reason="Error", message=message)
            self._events.pod(pod, "Warning", "ResizeError", f"Pod resize error: {_summary(pod, message)}")

    def settle(self, pod: Pod, running: Iterable[str]) -> None:
        """Ends the resize when every running container has what was granted."""
        entry = self._entries.get(pods.uid(pod))
        if entry is None or "PodResizeInProgress" not in entry.conditions:
            return
        if all(entry.actuated.get(name) == entry.allocated.get(name) for name in running):
            generation = entry.conditions.pop("PodResizeInProgress").get("observedGeneration")
            text = f"Pod resize completed: {_summary(pod, generation=generation)}"
            self._events.pod(pod, "Normal", "ResizeCompleted", text)

    def conditions(self, uid: str) -> list[dict[str, Any]]:
        entry = self._entries.get(uid)
        return list(entry.conditions.values()) if entry else []

    def waiting(self) -> list[str]:
        """Pods whose resize found no room: to be tried again when there is some."""
        return [uid for uid, entry in self._entries.items() if "PodResizePending" in entry.conditions]

    def forget(self, uid: str) -> None:
        if self._entries.pop(uid, None) is not None:
            (pod_directory(self._root, uid) / _FILE).unlink(missing_ok=True)

    def _store(self, uid: str, entry: _Entry) -> None:
        path = pod_directory(self._root, uid) / _FILE
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_bytes(orjson.dumps({"allocated": entry.allocated, "actuated": entry.actuated}))
        temporary.replace(path)


def _condition(pod: Pod, type_: str, reason: str = "", message: str = "") -> dict[str, Any]:
    now = times.format_time(clock.now())
    out: dict[str, Any] = {"type": type_, "status": "True", "lastProbeTime": now, "lastTransitionTime": now}
    out |= meta.observed_generation(pod)
    if reason:
        out |= {"reason": reason, "message": message}
    return out


def _summary(pod: Pod, error: str = "", generation: int | None = None) -> str:
    """The resources in question as JSON, as upstream's events have them."""
    out: dict[str, Any] = {}
    for kind in _KINDS:
        listed = [{"name": c["name"], "resources": c.get("resources") or {}} for c in pod["spec"].get(kind) or ()]
        if listed:
            out[kind] = listed
    out["generation"] = pod["metadata"].get("generation", 0) if generation is None else generation
    if error:
        out["error"] = error
    return orjson.dumps(out).decode()
