"""Own writes that the cache has not shown yet: until it does, what the cache says about their owner is stale."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.component import clock

Object = dict[str, Any]

TIMEOUT = 30.0


class PendingWrites:
    """By owner key: objects written or deleted, until an event shows it (or half a minute passes)."""

    def __init__(self) -> None:
        self._written: dict[str, dict[str, tuple[int, float]]] = {}
        self._deleted: dict[str, dict[str, float]] = {}

    def wrote(self, owner: str, obj: Object) -> None:
        version = int(meta.resource_version(obj))
        self._written.setdefault(owner, {})[meta.uid(obj)] = (version, clock.monotonic())

    def deleted(self, owner: str, obj: Object) -> None:
        self._deleted.setdefault(owner, {})[meta.uid(obj)] = clock.monotonic()

    def seen(self, owner: str, obj: Object) -> None:
        """An informer showed `obj`."""
        pending = self._written.get(owner, {})
        known = pending.get(meta.uid(obj))
        if known is not None and int(meta.resource_version(obj)) >= known[0]:
            del pending[meta.uid(obj)]

    def gone(self, owner: str, obj: Object) -> None:
        """An informer showed that `obj` is deleted."""
        self._written.get(owner, {}).pop(meta.uid(obj), None)
        self._deleted.get(owner, {}).pop(meta.uid(obj), None)

    def is_stale(self, owner: str) -> bool:
        oldest = clock.monotonic() - TIMEOUT
        if any(at > oldest for _, at in self._written.get(owner, {}).values()):
            return True
        return any(at > oldest for at in self._deleted.get(owner, {}).values())

    def forget(self, owner: str) -> None:
        self._written.pop(owner, None)
        self._deleted.pop(owner, None)
