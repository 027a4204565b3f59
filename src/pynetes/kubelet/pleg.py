"""The pod lifecycle event generator: notices that something happened to a pod in the runtime.

Where the runtime has an event stream (containerd), a container's end is known within milliseconds and lists are only
compared now and then; without it they are compared every second. Also the cache of pods' runtime status: valid until
something is known to have happened.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.kubelet import measures
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.events import RuntimeEvent
from pynetes.kubelet.runtime.inspect import RuntimeInspector, RuntimePod
from pynetes.kubelet.runtime.pod_status import PodStatus, State

log = logging.getLogger(__name__)

_RECONNECT = 0.5
_DELETE_TIMEOUT = 1.0
_SETTLE = (0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 2.0, 4.0, 8.0, 16.0)
"""How long to wait, again and again, for the runtime's status to follow its own event."""
HEALTH_LIMIT = 180.0
"""A list older than this makes the node unready (upstream: PLEG is not healthy)."""


def changed_pods(old: dict[str, RuntimePod], new: dict[str, RuntimePod]) -> set[str]:
    """Uids of pods whose sandboxes or containers differ between two lists."""
    return {uid for uid in old.keys() | new.keys() if old.get(uid) != new.get(uid)}


class PLEG:
    def __init__(
        self,
        inspector: RuntimeInspector,
        events: Callable[[], AsyncIterator[RuntimeEvent]] | None,
        on_change: Callable[[str], None],
        *,
        relist_period: float = 1.0,
        relist_period_with_events: float = 20.0,
    ) -> None:
        """`on_change(uid)` hears of pods that something happened to."""
        self._inspector, self._events, self._on_change = inspector, events, on_change
        self._period, self._period_with_events = relist_period, relist_period_with_events
        self.runtime_pods: dict[str, RuntimePod] = {}
        self.last_relist = 0.0
        self.streaming = False
        self._relist_now = asyncio.Event()
        self._cache: dict[str, PodStatus] = {}
        self._generation: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._awaited: dict[str, asyncio.TimerHandle] = {}
        self._last_ips: dict[str, list[str]] = {}
        measures.publish(self)

    # -- status

    async def status(self, uid: str) -> PodStatus:
        """The pod as the runtime has it now. Raises CRIError. Never change what it returns."""
        lock = self._locks.setdefault(uid, asyncio.Lock())
        async with lock:
            known = self._cache.get(uid)
            if known is not None:
                return known
            generation = self._generation.get(uid, 0)
            found = self._with_last_ips(await self._inspector.pod_status(uid))
            if self._generation.get(uid, 0) == generation:
                self._cache[uid] = found
                if self.streaming:
                    # Events tell of changes: what was just read need not be found again by the next list.
                    self._note(found)
            return found

    def _with_last_ips(self, found: PodStatus) -> PodStatus:
        """A pod that has ended keeps the addresses it had, though its network is gone."""
        if found.ips:
            self._last_ips[found.uid] = found.ips
        elif not any(s.ready for s in found.sandboxes) and not any(found.running()):
            found.ips = self._last_ips.get(found.uid, [])
        return found

    def _note(self, found: PodStatus) -> None:
        sandboxes, containers = {s.id: s.ready for s in found.sandboxes}, {c.id: c.state for c in found.containers}
        if sandboxes or containers:
            self.runtime_pods[found.uid] = RuntimePod(found.uid, found.name, found.namespace, sandboxes, containers)

    def invalidate(self, uid: str) -> None:
        """Something was done to the pod: its status must be read anew."""
        self._generation[uid] = self._generation.get(uid, 0) + 1
        self._cache.pop(uid, None)

    def forget(self, uid: str) -> None:
        for table in (self._cache, self._generation, self._locks, self._last_ips, self.runtime_pods):
            table.pop(uid, None)

    def healthy(self) -> bool:
        return clock.monotonic() - self.last_relist < HEALTH_LIMIT

    # -- noticing

    async def run(self) -> None:
        """Until cancelled."""
        async with Tasks("pleg") as tasks:
            if self._events is not None:
                tasks.start(self._watch_events(tasks), name="events")
            while True:
                self._relist_now.clear()
                await self._relist_quietly()
                try:
                    async with asyncio.timeout(self._period_with_events if self.streaming else self._period):
                        await self._relist_now.wait()
                except TimeoutError:
                    pass

    async def relist(self) -> None:
        """Compares the runtime's lists with the last ones. Raises CRIError."""
        found = await self._inspector.list_pods()
        self.last_relist = clock.monotonic()
        changed = changed_pods(self.runtime_pods, found)
        self.runtime_pods = found
        for uid in changed:
            self.invalidate(uid)
            self._on_change(uid)

    async def _watch_events(self, tasks: Tasks) -> None:
        assert self._events is not None
        while True:
            try:
                # What happened while nobody listened is found by a list shortly after the stream began.
                settle = tasks.start(self._relist_soon(), name="relist-after-connect")
                async for event in self._events():
                    if event.type == "delete":
                        tasks.start(self._container_ended(event.container_id), name="ended", crash=False)
                    elif event.type == "exit":
                        self._expect_delete(tasks, event.container_id)
                settle.cancel()
            except CRIError as error:
                if error.unimplemented:
                    log.info("the runtime has no event stream: relisting every %s s", self._period)
                    return
                log.info("the runtime's event stream ended: %s", error)
            self.streaming = False
            for timer in self._awaited.values():
                timer.cancel()
            self._awaited.clear()
            self._relist_now.set()
            await clock.sleep(_RECONNECT)

    async def _relist_soon(self) -> None:
        await clock.sleep(1.0)
        self.streaming = True
        self._relist_now.set()

    def _owner(self, container_id: str) -> str | None:
        """The pod of a container or sandbox, as far as lists and statuses have shown it."""
        for uid, status in self._cache.items():
            if any(c.id == container_id for c in status.containers) or any(
                s.id == container_id for s in status.sandboxes
            ):
                return uid
        for uid, pod in self.runtime_pods.items():
            if container_id in pod.containers or container_id in pod.sandboxes:
                return uid
        return None

    def _expect_delete(self, tasks: Tasks, container_id: str) -> None:
        """After a container's exit the runtime deletes its task, and its status follows that: there is no use in
        asking before. Should that never come, the container is looked at all the same."""

        def look() -> None:
            if self._awaited.pop(container_id, None) is not None:
                tasks.start(self._container_ended(container_id), name="ended", crash=False)

        self._awaited[container_id] = asyncio.get_running_loop().call_later(_DELETE_TIMEOUT, look)

    async def _container_ended(self, container_id: str) -> None:
        """The event is a moment ahead of what the runtime's status shows."""
        if timer := self._awaited.pop(container_id, None):
            timer.cancel()
        uid = self._owner(container_id)
        if uid is None:
            # So young that nobody has read of it yet.
            await self._relist_quietly()
            uid = self._owner(container_id)
        if uid is None:
            return
        for pause in _SETTLE:
            await clock.sleep(pause)
            self.invalidate(uid)
            try:
                status = await self.status(uid)
            except CRIError as error:
                log.info("status of pod %s after an event: %s", uid, error)
                continue
            if not _alive(status, container_id):
                break
        self._on_change(uid)

    async def _relist_quietly(self) -> None:
        try:
            await self.relist()
        except CRIError as error:
            log.warning("listing the runtime's pods failed: %s", error)


def _alive(status: PodStatus, container_id: str) -> bool:
    """Of a container or a sandbox."""
    running = any(c.id == container_id and c.state is State.RUNNING for c in status.containers)
    return running or any(s.id == container_id and s.ready for s in status.sandboxes)
