"""Events that are too large lose their objects, or are lost; lists of events that are too large go in parts."""

import logging
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pynetes.apiserver.audit.backend import Backend, lost
from pynetes.apiserver.audit.event import line
from pynetes.apiserver.audit.policy import REQUEST, REQUEST_RESPONSE

log = logging.getLogger(__name__)

Object = dict[str, Any]

_OBJECTS = frozenset(("requestObject", "responseObject"))
_TRUNCATED = {"audit.k8s.io/truncated": "true"}


class Limits(Struct, frozen=True):
    """In bytes of JSON; `batch` of events that are written together."""

    event: int
    batch: int


class TruncateBackend:
    def __init__(self, backend: Backend, limits: Limits) -> None:
        self._backend = backend
        self._limits = limits

    async def write(self, events: Sequence[Object]) -> None:
        for part in split(events, self._limits):
            await self._backend.write(part)

    async def close(self) -> None:
        await self._backend.close()


def split(events: Sequence[Object], limits: Limits) -> list[list[Object]]:
    """The events as they can be written, in parts that are small enough; what cannot is counted as lost."""
    parts: list[list[Object]] = []
    room = 0
    for event in events:
        fitting, size = _fitted(event, limits.event)
        if fitting is None:
            lost.labels("truncate").inc()
            log.error("audit event %s of %s is lost: %d bytes are too many", event["stage"], event["auditID"], size)
            continue
        if not parts or size > room:
            parts.append([])
            room = limits.batch
        parts[-1].append(fitting)
        room -= size
    return parts


def _fitted(event: Object, limit: int) -> tuple[Object | None, int]:
    """The event, without its objects if it is too large with them, and its size; None if it is too large anyway."""
    size = len(line(event))
    if size > limit and event["level"] in (REQUEST, REQUEST_RESPONSE):
        event = {field: value for field, value in event.items() if field not in _OBJECTS}
        event["annotations"] = {**event.get("annotations", {}), **_TRUNCATED}
        size = len(line(event))
    return (event if size <= limit else None), size
