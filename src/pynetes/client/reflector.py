"""List and watch, kept alive: a consumer sees one collection's state and all its changes, whatever the connection does.

A broken watch resumes from the last resourceVersion seen; only a version that the server no longer holds (410) costs a
new list. The faults are decided by `after_fault`, which is pure.
"""

import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from enum import Enum
from typing import Any, Protocol

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.client.watch import ADDED, BOOKMARK, DELETED, MODIFIED, WatchEvent
from pynetes.component import clock

log = logging.getLogger(__name__)

PAGE_SIZE = 500
WATCH_SECONDS = (300, 600)
"""A watch lasts a random time in this range, so that the watches of many clients do not end together."""
SHORT_WATCH = 1.0
"""A watch that ended sooner than this many seconds without an event is taken for a fault, not for its end."""

Object = dict[str, Any]


class Consumer(Protocol):
    """What a reflector feeds. Calls come in order, from one task."""

    def replace(self, items: list[Object]) -> None:
        """The collection is exactly `items` now."""

    def apply(self, event: WatchEvent) -> None:
        """One object was added, modified or deleted. An event may repeat what is known already."""


class Backoff:
    """Waits that double from `first` to `limit` seconds, each up to twice as long by chance."""

    def __init__(self, first: float = 0.2, limit: float = 10.0, *, chance: Callable[[], float] = random.random) -> None:
        self._first = first
        self._limit = limit
        self._chance = chance
        self._next = first

    def reset(self) -> None:
        self._next = self._first

    def next(self) -> float:
        wait = self._next
        self._next = min(self._next * 2, self._limit)
        return wait * (1 + self._chance())


class Fault(Enum):
    """What a failed list or watch means for the next step."""

    RESUME = "resume"  # watch again from the last version
    RELIST = "relist"  # the version is gone
    WAIT = "wait"  # try the same again later


def after_fault(error: Exception) -> Fault:
    """410 in both its reasons asks for a new list; a rate limit for patience; the rest for a new connection."""
    if isinstance(error, StatusError):
        if error.code == 410 or error.reason in ("Expired", "Gone"):
            return Fault.RELIST
        if error.code == 504 and "Too large resource version" in error.message:
            return Fault.RELIST
        return Fault.WAIT
    return Fault.RESUME


class Reflector:
    """Keeps a consumer in step with one collection (`gvr`, `namespace`, selectors) until it is cancelled."""

    def __init__(
        self,
        client: Client,
        gvr: GroupVersionResource,
        consumer: Consumer,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        backoff: Backoff | None = None,
    ) -> None:
        self.gvr = gvr
        self.last_version = ""
        self._client = client
        self._consumer = consumer
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._metadata_only = metadata_only
        self._backoff = backoff or Backoff()

    async def run(self) -> None:
        while True:
            try:
                if not self.last_version:
                    await self._list()
                await self._watch()
            except (StatusError, TransportError) as error:
                log.log(_level(error), "%s: %s", self.gvr, error)
                if after_fault(error) is Fault.RELIST:
                    self.last_version = ""
                await clock.sleep(self._backoff.next())

    async def _list(self) -> None:
        """Reads the collection page by page; a continue token that expired in between asks for one whole list."""
        items: list[Object] = []
        token, limit = "", PAGE_SIZE
        while True:
            try:
                page = await self._page(limit, token)
            except StatusError as error:
                if error.code != 410 or not token:
                    raise
                items, token, limit = [], "", 0
                continue
            items += page["items"]
            token = page["metadata"].get("continue") or ""
            if not token:
                break
        self._consumer.replace(items)
        self.last_version = page["metadata"]["resourceVersion"]

    async def _page(self, limit: int, token: str) -> Object:
        return await self._client.list(
            self.gvr,
            self._namespace,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            limit=limit,
            continue_=token,
            metadata_only=self._metadata_only,
        )

    async def _watch(self) -> None:
        started = clock.monotonic()
        seen = False
        async with aclosing(self._open_watch()) as events:
            async for event in events:
                self._take(event)
                if not seen:
                    seen = True
                    self._backoff.reset()
        if seen or clock.monotonic() - started >= SHORT_WATCH:
            self._backoff.reset()
            return
        raise TransportError("very short watch: it ended without an event")

    def _open_watch(self) -> AsyncGenerator[WatchEvent, None]:
        return self._client.watch(
            self.gvr,
            self._namespace,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            resource_version=self.last_version,
            timeout_seconds=random.randint(*WATCH_SECONDS),
            metadata_only=self._metadata_only,
        )

    def _take(self, event: WatchEvent) -> None:
        if event.type in (ADDED, MODIFIED, DELETED):
            self._consumer.apply(event)
        elif event.type != BOOKMARK:
            log.warning("%s: unknown watch event %r", self.gvr, event.type)
            return
        self.last_version = event.object["metadata"]["resourceVersion"]


def _level(error: Exception) -> int:
    """A cut connection is an everyday event; a refusal is not."""
    if isinstance(error, TransportError) or after_fault(error) is Fault.RELIST:
        return logging.INFO
    return logging.WARNING
