"""Which API servers live: a key with a time to live for each, as upstream's lease endpoint reconciler keeps them.

A server renews its key every 10 seconds; 15 seconds after the last time it is gone, and the others take the server's
address out of the Service `kubernetes`.
"""

from collections.abc import AsyncGenerator

import orjson

from pynetes.storage import KeyExists, RevisionConflict, Store

PREFIX = "/registry/masterleases/"
PERIOD, SECONDS = 10.0, 15

_ATTEMPTS = 5


class MasterLeases:
    """The keys of all servers on one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def renew(self, address: str) -> None:
        """Begins or goes on to live at `address`."""
        key = PREFIX + address
        for attempt in range(_ATTEMPTS):
            try:
                await self._renew(key, address)
                return
            except (KeyExists, RevisionConflict):
                # It expired in between, or another server has this address.
                if attempt + 1 == _ATTEMPTS:
                    raise

    async def _renew(self, key: str, address: str) -> None:
        found, _ = await self._store.get(key)
        number = 1 if found is None else orjson.loads(found.value)["metadata"].get("generation", 0) + 1
        value = orjson.dumps(
            {
                "kind": "Endpoints",
                "apiVersion": "v1",
                "metadata": {"generation": number},
                "subsets": [{"addresses": [{"ip": address}]}],
            }
        )
        if found is None:
            await self._store.create(key, value, ttl=SECONDS)
        else:
            await self._store.update(key, value, expected=found.mod_revision, ttl=SECONDS)

    async def living(self) -> list[str]:
        """The addresses of the servers, in order."""
        found = await self._store.list(PREFIX)
        return sorted(kv.key.removeprefix(PREFIX) for kv in found.items)

    async def remove(self, address: str) -> None:
        """Lives no more: nobody need wait for the key to expire."""
        found, _ = await self._store.get(PREFIX + address)
        if found is not None:
            await self._store.delete(found.key, expected=found.mod_revision)

    async def changes(self) -> AsyncGenerator[None, None]:
        """Tells that a server came or went. StoreError when it can tell no more."""
        start = await self._store.revision() + 1
        yield None  # what happened before
        async with self._store.watch(PREFIX, start=start) as watch:
            async for batch in watch:
                if any(event.type == "DELETE" or event.prev is None for event in batch.events):
                    yield None
