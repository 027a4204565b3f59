"""The order in which a pod's containers end: regular ones first, then sidecars from the last to the first."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from pynetes.component import clock
from pynetes.kubelet import pod as pods


def prerequisites(pod: Mapping[str, Any], running: Iterable[str]) -> dict[str, list[str]]:
    """For each sidecar the running containers that must end before it: the regular ones, and the next sidecar."""
    alive = set(running)
    regular = [c["name"] for c in pods.containers(pod) if c["name"] in alive]
    out: dict[str, list[str]] = {}
    later = ""
    for container in reversed(pods.init_containers(pod)):
        if not pods.is_sidecar(container):
            continue
        out[container["name"]] = [*regular, *([later] if later in alive else [])]
        later = container["name"]
    return out


class TerminationOrder:
    """Lets containers wait for their turn; `terminated` is told when one has ended."""

    def __init__(self, pod: Mapping[str, Any], running: Iterable[str]) -> None:
        names = list(running)
        self._ended = {name: asyncio.Event() for name in names}
        self._before = prerequisites(pod, names)

    async def wait_for_turn(self, name: str, grace_period: float) -> float:
        """Waits at most `grace_period` seconds; returns how many it took."""
        start = clock.monotonic()
        try:
            async with asyncio.timeout(grace_period):
                for other in self._before.get(name, ()):
                    await self._ended[other].wait()
        except TimeoutError:
            pass
        return clock.monotonic() - start

    def terminated(self, name: str) -> None:
        if name in self._ended:
            self._ended[name].set()
