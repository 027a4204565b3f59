"""When a client of several API servers leaves one for another.

A connection that cannot be made tells at once. A server that was cut off, hangs, or has lost its store does not: it is
suspected when an answer takes long or says that the server failed, then asked whether it is ready, and left only for
one that is. What waits for it is given up, so that callers try again elsewhere.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pynetes.client.servers import Servers
from pynetes.component import clock

log = logging.getLogger(__name__)

#: Seconds without an answer after which a server is suspected; a stream may be silent for longer.
PATIENCE, STREAM_PATIENCE = 2.0, 30.0
_PERIOD = 1.0
#: The preferred server is asked so often whether it serves again.
_RETURN_PERIOD = 5.0

Probe = Callable[[str], Awaitable[bool]]


class Changeover:
    """`waiting` surrounds every wait for a server; `run` watches over them until it is cancelled."""

    def __init__(self, servers: Servers, probe: Probe) -> None:
        """`probe` asks a server at an address whether it is ready; it takes seconds at most."""
        self._servers = servers
        self._probe = probe
        self._waits: dict[asyncio.Timeout, tuple[str, float]] = {}
        self._suspected = asyncio.Event()
        self._return_at = 0.0
        self._none_serves = False

    @asynccontextmanager
    async def waiting(self, address: str, patience: float = PATIENCE) -> AsyncIterator[None]:
        """TimeoutError inside when the server is left."""
        async with asyncio.timeout(None) as scope:
            self._waits[scope] = (address, clock.monotonic() + patience)
            try:
                yield
            finally:
                del self._waits[scope]

    def suspect(self, address: str) -> None:
        """It answered that it failed."""
        if address == self._servers.current:
            self._suspected.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_PERIOD):
                    await self._suspected.wait()
            except TimeoutError:
                pass  # time to look who waits
            if self._suspected.is_set() or self._is_overdue():
                self._suspected.clear()
                await self._examine(self._servers.current)
                await clock.sleep(_PERIOD)
            await self._return()

    def _is_overdue(self) -> bool:
        current, now = self._servers.current, clock.monotonic()
        return any(address == current and due < now for address, due in self._waits.values())

    async def _examine(self, current: str) -> None:
        if await self._probe(current):
            self._none_serves = False
            return
        for address in self._servers.others:
            if await self._probe(address):
                log.warning("API server %s does not serve, changing over to %s", current, address)
                if self._servers.current == current:
                    self._servers.take(address)
                self._return_at = clock.monotonic() + _RETURN_PERIOD
                self._none_serves = False
                self._give_up(current)
                return
        if not self._none_serves:
            self._none_serves = True
            log.warning("API server %s does not serve, nor does another", current)

    def _give_up(self, address: str) -> None:
        now = clock.monotonic()
        for scope, (waited_for, _) in list(self._waits.items()):
            if waited_for == address:
                scope.reschedule(now)

    async def _return(self) -> None:
        preferred = self._servers.preferred
        if not preferred or preferred == self._servers.current or clock.monotonic() < self._return_at:
            return
        self._return_at = clock.monotonic() + _RETURN_PERIOD
        if await self._probe(preferred):
            log.info("back to API server %s", preferred)
            self._servers.take(preferred)
