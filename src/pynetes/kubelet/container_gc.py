"""Removes dead containers and sandboxes that nobody needs any more, and the logs of pods that are gone.

The last dead container of each name stays, for its log and its exit status, as long as its pod exists.
"""

import logging
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct, field

from pynetes.component import clock
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.runtime import labels

log = logging.getLogger(__name__)


class Policy(Struct, frozen=True):
    """`minimum_age` in seconds; negative numbers mean no bound."""

    minimum_age: float = 0
    per_container: int = 1
    total: int = -1


class Dead(Struct, frozen=True):
    """A container that does not run."""

    id: str
    pod_uid: str
    name: str
    created: float
    log_path: str = ""


class PodState(Struct, frozen=True):
    """Answers about pods: `deleted` (gone from the API), `finished` (nothing of it will ever run again)."""

    deleted: Callable[[str], bool]
    finished: Callable[[str], bool]


class _Units(Struct):
    """Dead containers by what they were attempts of, newest first."""

    units: dict[tuple[str, str], list[Dead]] = field(default_factory=dict)

    def trim(self, keep: int) -> list[Dead]:
        removed = []
        for unit in self.units.values():
            removed += unit[keep:]
            del unit[keep:]
        return removed

    @property
    def count(self) -> int:
        return sum(len(unit) for unit in self.units.values())


def containers_to_remove(
    dead: Iterable[Dead], policy: Policy, pods: PodState, now: float, *, all_unused: bool = False
) -> list[Dead]:
    """`all_unused` is for disk pressure: whatever pods do not need right now goes."""
    units = _Units()
    removed = []
    for container in sorted(dead, key=lambda c: c.created, reverse=True):
        if now - container.created < policy.minimum_age:
            continue
        if pods.deleted(container.pod_uid) or (all_unused and pods.finished(container.pod_uid)):
            removed.append(container)
            continue
        units.units.setdefault((container.pod_uid, container.name), []).append(container)
    if policy.per_container >= 0:
        removed += units.trim(policy.per_container)
    if policy.total >= 0 and units.count > policy.total:
        removed += units.trim(max(1, policy.total // max(1, len(units.units))))
        rest = sorted((c for unit in units.units.values() for c in unit), key=lambda c: c.created)
        removed += rest[: max(0, units.count - policy.total)]
    return removed


def sandboxes_to_remove(
    sandboxes: Iterable[pb.PodSandbox], with_containers: set[str], pods: PodState
) -> list[pb.PodSandbox]:
    """Sandboxes that do not run, hold no container, and are not the newest of a pod that still exists."""
    by_pod: dict[str, list[pb.PodSandbox]] = {}
    for sandbox in sandboxes:
        by_pod.setdefault(sandbox.metadata.uid, []).append(sandbox)
    found = []
    for uid, own in by_pod.items():
        own.sort(key=lambda sandbox: sandbox.created_at, reverse=True)
        needed = 0 if pods.deleted(uid) else 1
        for index, sandbox in enumerate(own):
            is_needed = index < needed or sandbox.state == pb.SANDBOX_READY or sandbox.id in with_containers
            if not is_needed:
                found.append(sandbox)
    return found


class ContainerGC:
    """`sources_ready` says that every source of pods was heard: before that, no pod can be called deleted."""

    def __init__(
        self,
        runtime: RuntimeService,
        pods: PodState,
        *,
        policy: Policy | None = None,
        logs_dir: Path = Path("/var/log/pods"),
        sources_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._runtime, self._pods, self._policy = runtime, pods, policy or Policy()
        self._logs, self._sources_ready = logs_dir, sources_ready

    async def collect(self, *, all_unused: bool = False) -> None:
        """One round; what cannot be removed is tried again in the next."""
        pods = self._pods if self._sources_ready() else PodState(lambda uid: False, lambda uid: False)
        dead = [_dead(c) for c in await self._runtime.list_containers() if _is_dead(c)]
        now = clock.time_seconds()
        for container in containers_to_remove(dead, self._policy, pods, now, all_unused=all_unused):
            await self._remove_container(container)
        with_containers = {c.pod_sandbox_id for c in await self._runtime.list_containers()}
        for sandbox in sandboxes_to_remove(await self._runtime.list_pod_sandboxes(), with_containers, pods):
            await self._remove_sandbox(sandbox)
        if self._sources_ready():
            self._remove_logs()

    async def _remove_container(self, container: Dead) -> None:
        try:
            status = (await self._runtime.container_status(container.id)).status
            await self._runtime.remove_container(container.id)
        except CRIError as error:
            if not error.not_found:
                log.warning("container %s cannot be removed: %s", container.id, error)
            return
        path = Path(status.log_path) if status.log_path else None
        for leftover in path.parent.glob(f"{path.name}*") if path and path.parent.is_dir() else ():
            leftover.unlink(missing_ok=True)

    async def _remove_sandbox(self, sandbox: pb.PodSandbox) -> None:
        try:
            # A sandbox that is not ready may still hold its IP: only stopping gives it back.
            await self._runtime.stop_pod_sandbox(sandbox.id)
            await self._runtime.remove_pod_sandbox(sandbox.id)
        except CRIError as error:
            log.warning("sandbox %s cannot be removed: %s", sandbox.id, error)

    def _remove_logs(self) -> None:
        """Directories `<namespace>_<name>_<uid>` of pods that are gone."""
        for directory in self._logs.iterdir() if self._logs.is_dir() else ():
            parts = directory.name.split("_")
            if len(parts) == 3 and self._pods.deleted(parts[2]):
                shutil.rmtree(directory, ignore_errors=True)


def _is_dead(container: pb.Container) -> bool:
    return container.state != pb.CONTAINER_RUNNING


def _dead(container: pb.Container) -> Dead:
    return Dead(
        container.id,
        container.labels.get(labels.POD_UID, ""),
        container.labels.get(labels.CONTAINER_NAME, ""),
        container.created_at / 1e9,
    )
