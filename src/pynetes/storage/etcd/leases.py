"""Time to live: keys that end within the same minute share one lease, as in upstream's API server.

A lease for every event would cost etcd more than the event. A lease outlives the wanted time by up to a minute, or by
a twentieth of it where that is less.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from pynetes.component import clock

_REUSE_SECONDS = 60
_KEYS = 1000
"""Keys on one lease at most: etcd deletes all of them in one transaction."""

Grant = Callable[[int], Awaitable[int]]
"""Asks etcd for a lease of so many seconds; its id."""


class _Lease(Struct):
    lease_id: int
    expires: float
    keys: int = 0


class Leases:
    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self._newest: dict[int, _Lease] = {}  # by time to live
        self._granting = asyncio.Lock()

    async def lease(self, ttl: int) -> int:
        """A lease that ends in `ttl` seconds or somewhat later; 0 for a `ttl` of 0."""
        if not ttl:
            return 0
        async with self._granting:
            held = self._newest.get(ttl)
            now = clock.monotonic()
            if held is None or held.expires < now + ttl or held.keys >= _KEYS:
                length = ttl + min(_REUSE_SECONDS, ttl // 20)
                self._newest = {known: each for known, each in self._newest.items() if each.expires > now}
                held = self._newest[ttl] = _Lease(await self._grant(length), now + length)
            held.keys += 1
            return held.lease_id

    def forget(self, lease_id: int) -> None:
        """etcd does not know the lease (any more)."""
        self._newest = {ttl: each for ttl, each in self._newest.items() if each.lease_id != lease_id}
