"""Waiting for those within a server who follow objects."""

import asyncio

from pynetes.apiserver.server import APIServer


async def settled(server: APIServer) -> None:
    """Returns when all of them have been told of every write so far."""
    for rs in server.registry.stores:
        await rs.cacher.fresh()
        while any(watcher._pending for watcher in rs.cacher._routes):  # noqa: ASYNC110 (each takes its own)
            await asyncio.sleep(0)
