"""Gives running containers other resources, in an order in which the pod always has room for them."""

from collections.abc import Sequence
from typing import Any

from pynetes.kubelet import pod as pods
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.runtime.resize import Update
from pynetes.kubelet.runtime.resources import NodeResources, resized
from pynetes.kubelet.runtime.support import PodSupport
from pynetes.kubelet.runtime.sync_result import SyncResult

Pod = dict[str, Any]


class Resizer:
    def __init__(self, runtime: RuntimeService, support: PodSupport, node: NodeResources) -> None:
        self._runtime, self._support, self._node = runtime, support, node

    async def resize(self, pod: Pod, updates: Sequence[Update], result: SyncResult) -> None:
        """Grows the pod's cgroup, lets containers shrink and then grow, and fits the cgroup to the sum. What went
        wrong is in `result.resize_error`; what was done so far holds, and the rest is tried again."""
        try:
            await self._check_memory(updates)
            self._support.grow_cgroup(pod)
            for update in sorted(updates, key=lambda u: not u.shrinks):
                container = pods.find_container(pod, update.name)
                assert container is not None
                resources = resized(pod, container, self._node)
                await self._runtime.update_container_resources(update.container_id, resources)
                self._support.resources_given(pod, update.name)
            self._support.fit_cgroup(pod)
        except (CRIError, OSError, MemoryInUse) as error:
            result.resize_error = str(error)
            result.fail(f'failed to "ResizePodInPlace" with ResizePodInPlaceError: "{error}"')

    async def _check_memory(self, updates: Sequence[Update]) -> None:
        """A limit below what is used would kill the container."""
        errors = []
        for update in (u for u in updates if u.memory_limit is not None):
            stats = await self._runtime.container_stats(update.container_id)
            used = stats.memory.usage_bytes.value or stats.memory.working_set_bytes.value
            if update.memory_limit is not None and used >= update.memory_limit:
                errors.append(
                    f'attempting to set container "{update.name}" memory limit ({update.memory_limit}) '
                    f"below current usage ({used})"
                )
        if errors:
            raise MemoryInUse(f"cannot decrease memory limits: {'; '.join(errors)}")


class MemoryInUse(Exception):
    """More memory is used than would be allowed."""
