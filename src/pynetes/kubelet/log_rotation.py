"""Rotates container logs by size: rename, let the runtime open a new file, compress the older ones.

0.log   0.log.20260102-150405   0.log.20260102-140302.gz
"""

import asyncio
import gzip
import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from pynetes.apimachinery import quantity
from pynetes.component import clock
from pynetes.component.tasks import run_forever
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService

log = logging.getLogger(__name__)

_COMPRESSED, _TEMPORARY = ".gz", ".tmp"


class Policy(Struct, frozen=True):
    """`max_files` counts the one being written."""

    max_size: int = 10 * 1024 * 1024
    max_files: int = 5

    @classmethod
    def of(cls, max_size: str, max_files: int) -> "Policy":
        """From a quantity (`10Mi`). Raises ValueError."""
        size = quantity.parse(max_size).value()
        if size < 0:
            raise ValueError(f"failed to parse container log max size {max_size!r}: must not be negative")
        if max_files <= 1:
            raise ValueError(f"invalid MaxFiles {max_files}, must be > 1")
        return cls(size, max_files)


class Plan(Struct, frozen=True):
    remove: list[str]
    compress: list[str]


def plan(rotated: Iterable[str], max_files: int) -> Plan:
    """What to do with the rotated files of one log before the next rotation; sorted names are in order of age."""
    names = set(rotated)
    unused = {n for n in names if n.endswith(_TEMPORARY) or n + _COMPRESSED in names}
    kept = sorted(names - unused)
    excess = max(0, len(kept) - max(0, max_files - 2))  # the file in use and the one rotated now come on top
    return Plan(sorted(unused) + kept[:excess], [name for name in kept[excess:] if not name.endswith(_COMPRESSED)])


class LogRotation:
    """Keeps the logs of running containers within `policy`: `workers` of them at a time, every `period` seconds."""

    def __init__(self, runtime: RuntimeService, policy: Policy, *, period: float = 10.0, workers: int = 1) -> None:
        self._runtime, self._policy, self._period = runtime, policy, period
        self._workers = asyncio.Semaphore(workers)
        self._paths: dict[str, str] = {}

    async def run(self) -> None:
        """Looks at every running container's log, until cancelled."""
        await run_forever(self.rotate_all, period=self._period, name="log rotation")

    async def rotate_all(self) -> None:
        running = pb.ContainerStateValue(state=pb.CONTAINER_RUNNING)
        containers = await self._runtime.list_containers(pb.ContainerFilter(state=running))
        ids = {container.id for container in containers}
        self._paths = {key: path for key, path in self._paths.items() if key in ids}
        async with asyncio.TaskGroup() as group:
            for container_id in ids:
                group.create_task(self._look_at(container_id))

    async def _look_at(self, container_id: str) -> None:
        try:
            async with self._workers:
                await self._consider(container_id)
        except (OSError, CRIError) as error:
            log.warning("log of container %s: %s", container_id, error)

    async def _consider(self, container_id: str) -> None:
        path = self._paths.get(container_id)
        if path is None:
            path = (await self._runtime.container_status(container_id)).status.log_path
            if not path:
                return
            self._paths[container_id] = path
        try:
            size = os.stat(path).st_size
        except FileNotFoundError:
            await self._runtime.reopen_container_log(container_id)
            return
        if size >= self._policy.max_size:
            await self.rotate(container_id, Path(path))

    async def rotate(self, container_id: str, path: Path) -> None:
        """Raises OSError, CRIError; the log stays where it is then."""
        await asyncio.to_thread(self._tidy, path)
        rotated = f"{path}.{clock.now():%Y%m%d-%H%M%S}"
        os.rename(path, rotated)
        try:
            await self._runtime.reopen_container_log(container_id)
        except CRIError:
            os.rename(rotated, path)
            raise

    def _tidy(self, path: Path) -> None:
        wanted = plan((str(p) for p in path.parent.glob(f"{path.name}.*")), self._policy.max_files)
        for name in wanted.remove:
            Path(name).unlink(missing_ok=True)
        for name in wanted.compress:
            _compress(Path(name))


def _compress(path: Path) -> None:
    temporary = path.with_name(path.name + _TEMPORARY)
    with path.open("rb") as source, gzip.open(temporary, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target)
    temporary.chmod(path.stat().st_mode & 0o777)
    temporary.rename(path.with_name(path.name + _COMPRESSED))
    path.unlink()
