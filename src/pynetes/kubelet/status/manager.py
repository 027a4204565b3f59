"""Keeps the latest status of every pod and writes it to the API.

Writes are patches of what changed, one pod after another in a few lanes, against the API's own view as the watch and
the answers to earlier writes show it: no request is spent on reading. A pod that is being deleted and has ended is
deleted for good here, once the API knows its end.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import PODS
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.client.workqueue import QueueShutDown, WorkQueue
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.kubelet import measures
from pynetes.kubelet import pod as pods
from pynetes.kubelet.status import conditions as make
from pynetes.kubelet.status.container_statuses import LOST, STATUS_UNKNOWN
from pynetes.kubelet.status.merge import illegal_transition, merge, normalize, set_transition_times
from pynetes.kubelet.status.patch import same_status, status_patch
from pynetes.kubelet.status.pod_status import all_container_statuses

log = logging.getLogger(__name__)

Pod = dict[str, Any]
Status = dict[str, Any]

_WRITERS = 8
_CONTAINER_FIELDS = ("containerStatuses", "initContainerStatuses")


class PodLookup(Protocol):
    def get(self, uid: str) -> Pod | None: ...

    def mirror_of(self, pod: Pod) -> Pod | None: ...


class _Entry(Struct):
    status: Status
    finished: bool = False
    """SyncTerminatedPod is through: nothing of the pod is left on the node."""


class _Known(Struct):
    """What the API holds, as far as this node knows."""

    version: int
    pod: Pod


class StatusManager:
    def __init__(self, client: Client | None, lookup: PodLookup, could_be_running: Callable[[str], bool]) -> None:
        """`client` None keeps statuses to the node (standalone)."""
        self._client, self._lookup, self._could_be_running = client, lookup, could_be_running
        self._entries: dict[str, _Entry] = {}
        self._known: dict[str, _Known] = {}
        self._queue: WorkQueue[str] = WorkQueue("pod-status")

    # -- what others ask

    def get(self, uid: str) -> Status | None:
        entry = self._entries.get(uid)
        return entry.status if entry else None

    def latest(self, pod: Pod) -> Status:
        """The kubelet's own status of the pod, or the API's before there is one."""
        found = self.get(pods.uid(pod))
        return found if found is not None else dict(pod.get("status") or {})

    # -- what the kubelet learned

    def set_pod_status(self, pod: Pod, status: Status) -> None:
        if generation := pod["metadata"].get("generation"):
            status["observedGeneration"] = generation
        self._update(pod, status, force=meta.is_deleting(pod))

    def set_container_readiness(self, uid: str, container_id: str, ready: bool) -> None:
        """What a readiness probe says is shown at once, not at the pod's next sync."""
        pod, status = self._writable(uid)
        container = _find_container(status, container_id) if status else None
        if pod is None or status is None or container is None or container.get("ready") == ready:
            return
        container["ready"] = ready
        statuses, phase = all_container_statuses(status), status.get("phase", "")
        for new in (
            make.ready(pod, status["conditions"], statuses, phase),
            make.containers_ready(pod, statuses, phase),
        ):
            status["conditions"] = [new if c["type"] == new["type"] else c for c in status["conditions"]]
        self._update(pod, status)

    def set_container_startup(self, uid: str, container_id: str, started: bool) -> None:
        pod, status = self._writable(uid)
        container = _find_container(status, container_id) if status else None
        if pod is None or status is None or container is None or container.get("started") == started:
            return
        container["started"] = started
        self._update(pod, status)

    def _writable(self, uid: str) -> tuple[Pod | None, Status | None]:
        entry = self._entries.get(uid)
        return self._lookup.get(uid), meta.copy(entry.status) if entry else None

    def terminate_pod(self, pod: Pod) -> None:
        """Nothing runs any more: containers without a known end failed, and the phase becomes terminal."""
        status: Status = meta.copy(self.latest(pod))
        lost = {"terminated": {"exitCode": 137, "reason": STATUS_UNKNOWN, "message": LOST}}
        if _has_initialized(pod):
            for container in status.get("containerStatuses") or ():
                if "terminated" not in container["state"]:
                    container["state"] = meta.copy(lost)
        for container in _touched(status.get("initContainerStatuses") or []):
            if "terminated" not in container["state"]:
                container["state"] = meta.copy(lost)
        if not pods.is_static(pod) and status.get("phase") not in ("Succeeded", "Failed"):
            status["phase"] = "Failed"
        self._update(pod, status, force=True, finished=True)

    def _update(self, pod: Pod, status: Status, *, force: bool = False, finished: bool = False) -> None:
        uid = pods.uid(pod)
        entry = self._entries.get(uid)
        if entry is not None:
            old = entry.status
            finished = finished or (entry.finished and not pods.is_static(pod))
        else:
            mirror = self._lookup.mirror_of(pod) if pods.is_static(pod) else None
            old = (mirror or pod).get("status") or {}
        if why := illegal_transition(pod, old, status):
            log.error("status of pod %s is not updated: %s", meta.key(pod), why)
            return
        now = times.format_time(clock.now())
        set_transition_times(status, old, now)
        status["startTime"] = old.get("startTime") or status.get("startTime") or now
        if (seen := old.get("observedGeneration") or 0) > (status.get("observedGeneration") or 0):
            status["observedGeneration"] = seen
        normalize(pod, status)
        measures.containers_ended(old, status)
        if entry is not None and not force and same_status(entry.status, status):
            return
        self._entries[uid] = _Entry(status, finished)
        self._queue.add(uid)

    def forget(self, uid: str) -> None:
        self._entries.pop(uid, None)

    # -- what the API holds

    def api_updated(self, pod: Pod) -> None:
        """The watch showed the pod (or mirror pod): others' changes to the kubelet's fields are put right."""
        self._learn(pod)
        source = self._lookup.get(pods.uid(pod))
        if source is not None and self._differs(source):
            self._queue.add(pods.uid(source))

    def reconcile(self) -> None:
        """Writes what the API does not show yet: because it may be said only now, or because a write was lost."""
        for uid in list(self._entries):
            pod = self._lookup.get(uid)
            if pod is not None and self._differs(pod):
                self._queue.add(uid)

    def api_removed(self, uid: str) -> None:
        self._known.pop(uid, None)

    def _learn(self, pod: Pod) -> None:
        uid, version = pods.uid(pod), _version(pod)
        known = self._known.get(uid)
        if known is None or version >= known.version:
            self._known[uid] = _Known(version, pod)

    def _differs(self, pod: Pod) -> bool:
        entry, target = self._entries.get(pods.uid(pod)), self._target(pod)
        if entry is None or target is None:
            return False
        return bool(status_patch(target.get("status") or {}, self._merged(pod, target, entry))) or self._ended(
            target, entry
        )

    def _target(self, pod: Pod) -> Pod | None:
        """The API object that shows this pod's status: its mirror for a static pod."""
        shown = self._lookup.mirror_of(pod) if pods.is_static(pod) else pod
        if shown is None:
            return None
        known = self._known.get(pods.uid(shown))
        return known.pod if known and known.version >= _version(shown) else shown

    def _merged(self, pod: Pod, target: Pod, entry: _Entry) -> Status:
        now = times.format_time(clock.now())
        running = self._could_be_running(pods.uid(pod))
        return merge(target, target.get("status") or {}, entry.status, could_be_running=running, now=now)

    # -- writing

    async def run(self) -> None:
        """Until cancelled."""
        async with Tasks("pod-status") as tasks:
            for number in range(_WRITERS):
                tasks.start(self._write_all(), name=f"writer-{number}")
            await asyncio.Event().wait()

    async def _write_all(self) -> None:
        while True:
            try:
                uid = await self._queue.get()
            except QueueShutDown:
                return
            try:
                await self._write(uid)
                self._queue.forget(uid)
            except (StatusError, TransportError, TimeoutError, OSError) as error:
                log.warning("status of pod %s is not written: %s", uid, error)
                self._queue.add_rate_limited(uid)
            finally:
                self._queue.done(uid)

    async def _write(self, uid: str) -> None:
        pod, entry = self._lookup.get(uid), self._entries.get(uid)
        if self._client is None or pod is None or entry is None:
            return
        target = self._target(pod)
        if target is None:
            return
        patch = status_patch(target.get("status") or {}, self._merged(pod, target, entry))
        try:
            if patch:
                target = await self._patch(target, patch)
            if self._ended(target, entry):
                await self._delete(target)
        except StatusError as error:
            if error.reason == "NotFound" or await self._is_another(target, error):
                # Gone, or another pod of that name: the watch will say so.
                return
            raise

    async def _patch(self, target: Pod, patch: Status) -> Pod:
        assert self._client
        body = {"metadata": {"uid": pods.uid(target)}, "status": patch}
        name, namespace = meta.name(target), meta.namespace(target)
        answer = await self._client.patch(PODS, name, body, namespace, type="strategic", subresource="status")
        self._learn(answer)
        return answer

    async def _is_another(self, target: Pod, error: StatusError) -> bool:
        """After a conflict: whether the name belongs to a new pod; else what is known is refreshed for the retry."""
        if error.reason != "Conflict":
            return False
        assert self._client
        try:
            found = await self._client.get(PODS, meta.name(target), meta.namespace(target))
        except StatusError as missing:
            return missing.reason == "NotFound"
        if pods.uid(found) != pods.uid(target):
            return True
        self._learn(found)
        return False

    def _ended(self, target: Pod, entry: _Entry) -> bool:
        """The API may forget the pod: it is being deleted, nothing of it is left, and its end is on record."""
        if not meta.is_deleting(target) or pods.is_mirror(target) or not entry.finished:
            return False
        return pods.is_terminal(target)

    async def _delete(self, target: Pod) -> None:
        assert self._client
        uid = pods.uid(target)
        name, namespace = meta.name(target), meta.namespace(target)
        await self._client.delete(PODS, name, namespace, grace_period_seconds=0, uid=uid)
        self.forget(uid)


def _version(pod: Pod) -> int:
    text = pod["metadata"].get("resourceVersion") or "0"
    return int(text) if text.isdigit() else 0


def _find_container(status: Status, container_id: str) -> Status | None:
    for field in _CONTAINER_FIELDS:
        for container in status.get(field) or ():
            if container.get("containerID") == container_id:
                found: Status = container
                return found
    return None


def _has_initialized(pod: Pod) -> bool:
    """Some regular container has been tried, or the last init container has done its work."""
    inits = pods.init_containers(pod)
    if not inits:
        return True
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        if "terminated" in (container.get("lastState") or {}) or "waiting" not in container["state"]:
            return True
    shown = status.get("initContainerStatuses") or []
    if not shown or shown[-1]["name"] != inits[-1]["name"]:
        return False
    last = shown[-1]
    if pods.is_sidecar(inits[-1]):
        return "running" in last["state"] and bool(last.get("started"))
    ends = [(last.get("lastState") or {}).get("terminated"), last["state"].get("terminated")]
    return any(end is not None and not end.get("exitCode") for end in ends)


def _touched(statuses: list[Status]) -> list[Status]:
    """All but those at the end that were never started; at least the first."""
    for index in range(len(statuses) - 1, -1, -1):
        if "waiting" not in statuses[index]["state"] or "terminated" in (statuses[index].get("lastState") or {}):
            return statuses[: index + 1]
    return statuses[:1]
