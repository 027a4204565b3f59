"""The bare read-change-swap loop, below strategies and admission (upstream's GuaranteedUpdate)."""

from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.apimachinery.errors import StatusError, conflict
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.registry.resource import ResourceStore, raise_unavailable
from pynetes.component import clock
from pynetes.storage import RevisionConflict, StoreUnavailable

Object = dict[str, Any]

_MAX_ATTEMPTS = 200


async def modify(
    rs: ResourceStore,
    namespace: str,
    name: str,
    change: Callable[[Entry], Awaitable[Object | None]],
    *,
    dry_run: bool = False,
) -> Entry:
    """The stored outcome. `change` gives a new object, or None to leave things as they are; it may be called again.

    StatusError 404 for an object that is not there. What `change` raises counts only against the newest state.
    """
    key = rs.key(namespace, name)
    current, fresh = rs.cached(namespace, name), False
    for _ in range(_MAX_ATTEMPTS):
        if current is None and not fresh:
            current, fresh = await rs.read(key), True
        if current is None:
            raise rs.not_found(name)
        try:
            obj = await change(current)
        except StatusError:
            if fresh:
                raise
            current, fresh = await rs.read(key), True
            continue
        if obj is None:
            return current
        try:
            return await _swap(rs, key, current, obj, dry_run)
        except RevisionConflict as lost:
            current, fresh = (await rs.entry(lost.current) if lost.current else None), True
        except StoreUnavailable as error:
            raise_unavailable(error)
        await clock.sleep(0)
    raise conflict(rs.group_resource, name)


async def _swap(rs: ResourceStore, key: str, current: Entry, obj: Object, dry_run: bool) -> Entry:
    if await rs.is_stored(obj, current):
        return current
    if dry_run:
        return rs.unsaved(obj, current.mod_revision, key)
    return await rs.update(key, obj, expected=current.mod_revision)
