"""What comes in about pods (from the API, from manifests, from probes) and who has to hear of it."""

import logging
from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.component import clock
from pynetes.kubelet import pod as pods
from pynetes.kubelet import pod_resources
from pynetes.kubelet.admit import Rejection
from pynetes.kubelet.allocation import Allocations
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.pod_manager import PodManager
from pynetes.kubelet.pod_workers import Kill, PodWorkers
from pynetes.kubelet.status.manager import StatusManager

log = logging.getLogger(__name__)

Pod = dict[str, Any]

Admit = Callable[[Pod, list[Pod]], Rejection | None]


def from_api(pod: Pod) -> Pod:
    """The API's object with the annotations that say where it came from (containers see them)."""
    if pods.is_mirror(pod):
        return pod
    metadata = dict(pod["metadata"])
    seen = clock.now().isoformat().replace("+00:00", "000Z")
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        pods.CONFIG_SEEN: seen,
        pods.CONFIG_SOURCE: "api",
    }
    return {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": metadata}


def needs_sync(old: Pod, new: Pod) -> bool:
    """Whether the change asks for work, or is only someone's word in the status."""
    if old["spec"] != new["spec"] or pods.is_terminal(old) != pods.is_terminal(new):
        return True
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "labels"):
        if old["metadata"].get(field) != new["metadata"].get(field):
            return True
    if _own_annotations(old) != _own_annotations(new):
        return True
    gates = {gate["conditionType"] for gate in new["spec"].get("readinessGates") or ()}
    return bool(gates) and _conditions(old, gates) != _conditions(new, gates)


def _own_annotations(pod: Pod) -> dict[str, str]:
    local = (pods.CONFIG_SEEN, pods.CONFIG_SOURCE)
    return {k: v for k, v in (pod["metadata"].get("annotations") or {}).items() if k not in local}


def _conditions(pod: Pod, types: set[str]) -> dict[str, str]:
    listed = (pod.get("status") or {}).get("conditions") or ()
    return {c["type"]: c["status"] for c in listed if c["type"] in types}


class PodHandlers:
    """Judges pods as they come (`admit`), notes them in `manager` and tells `workers`; `rejected` are the uids of those
    that were refused."""

    def __init__(
        self,
        manager: PodManager,
        workers: PodWorkers,
        statuses: StatusManager,
        events: PodEvents,
        admit: Admit,
        allocations: Allocations,
    ) -> None:
        self._manager, self._workers, self._statuses = manager, workers, statuses
        self._events, self._admit, self._allocations = events, admit, allocations
        self.rejected: set[str] = set()

    # -- from the API

    def api_added(self, obj: Pod) -> None:
        self._statuses.api_updated(obj)
        self.added(from_api(obj))

    def api_changed(self, old: Pod, new: Pod) -> None:
        if pods.uid(old) != pods.uid(new):
            # Deleted and made anew while nobody watched.
            self.api_deleted(old)
            self.api_added(new)
            return
        known = self._manager.get(pods.uid(new))
        if known is None or pods.is_mirror(new):
            self.api_added(new)
            return
        pod = from_api(new)
        pod["metadata"]["annotations"][pods.CONFIG_SEEN] = known["metadata"]["annotations"][pods.CONFIG_SEEN]
        self._manager.set(pod)
        self._statuses.api_updated(new)
        self._changed(known, pod)

    def api_deleted(self, obj: Pod) -> None:
        self._statuses.api_removed(pods.uid(obj))
        self.removed(from_api(obj))

    # -- from any source

    def added(self, pod: Pod) -> None:
        self._manager.set(pod)
        if pods.is_mirror(pod):
            self._mirror_changed(pod)
            return
        uid = pods.uid(pod)
        if not self._workers.is_known(uid) and not pods.is_terminal(pod) and not meta.is_deleting(pod):
            rejection = self._admit(self._allocations.allocated(pod), self._allocated_pods(but=uid))
            if rejection is not None:
                self._reject(pod, rejection)
                return
        self._workers.update(pod)

    def _changed(self, old: Pod, pod: Pod) -> None:
        over = pods.is_terminal(pod) or meta.is_deleting(pod)
        if pods.uid(pod) in self.rejected and not over:
            return
        if needs_sync(old, pod):
            self._workers.update(pod)
        else:
            self._workers.refresh(pod)

    def removed(self, pod: Pod) -> None:
        self._manager.remove(pod)
        if pods.is_mirror(pod):
            self._mirror_changed(pod)
            return
        uid = pods.uid(pod)
        self.rejected.discard(uid)
        if self._workers.is_known(uid) and not self._workers.is_finished(uid):
            self._workers.update(pod, Kill())
        for waiting in self._allocations.waiting():
            # There may be room now for a resize that found none.
            self._workers.sync(waiting)

    def _mirror_changed(self, mirror: Pod) -> None:
        static = self._manager.source_of(mirror)
        if static is not None:
            self._workers.update(static)

    def _reject(self, pod: Pod, rejection: Rejection) -> None:
        self.rejected.add(pods.uid(pod))
        self._events.pod(pod, "Warning", rejection.reason, rejection.message)
        status = {
            "qosClass": pod_resources.qos_class(pod),
            "phase": "Failed",
            "reason": rejection.reason,
            "message": "Pod was rejected: " + rejection.message,
        }
        self._statuses.set_pod_status(pod, status)

    def static_pods(self, found: list[Pod]) -> None:
        """The manifests as they are now: a changed one is another pod (its uid is its content's hash)."""
        wanted = {pods.uid(pod) for pod in found}
        known = {pods.uid(pod): pod for pod in self._manager.all() if pods.is_static(pod)}
        for uid, pod in known.items():
            if uid not in wanted:
                self.removed(pod)
        for pod in found:
            if pods.uid(pod) not in known:
                self.added(pod)

    # -- who is here

    def _allocated_pods(self, *, but: str) -> list[Pod]:
        return [self._allocations.allocated(pod) for pod in self.active_pods(but=but)]

    def active_pods(self, *, but: str = "") -> list[Pod]:
        """Pods that are not known to have ended; they hold the node's resources."""
        out = []
        for pod in self._manager.all():
            uid = pods.uid(pod)
            phase = self._statuses.latest(pod).get("phase")
            if uid != but and not pods.is_terminal(pod) and phase not in ("Succeeded", "Failed"):
                out.append(pod)
        return out
