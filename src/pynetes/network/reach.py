"""The way to pods from a machine that is no node: a control plane's, which calls webhooks and relays to pods.

Nodes on one of its links are gateways to their pods. Pods of others are out of reach: a tunnel's end is a node's.
"""

import asyncio
import contextlib
import logging
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError

from pynetes.apis.names import NODES
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component.tasks import Tasks
from pynetes.network import routes, tunnel

log = logging.getLogger(__name__)

#: Seconds between looks at links and routes, and after something failed.
_LOOK_AGAIN, _RETRY = 10.0, 1.0


async def run(client: Client) -> None:
    """Until cancelled. Routes stay, so that a restart interrupts nothing."""
    nodes: Informer = Informer(client, NODES)
    changed, places = asyncio.Event(), dict[str, object]()

    def seen(node: dict[str, Any]) -> None:
        """Nodes report every few seconds: only one that comes, goes or moves makes work."""
        name = node["metadata"]["name"]
        place = routes.place_of(node) if nodes.get(name) is not None else None
        if places.get(name) != place:
            places[name] = place
            changed.set()

    nodes.add_handler(seen, lambda old, new: seen(new), seen)
    async with Tasks("reach") as tasks:
        tasks.start(nodes.run(), name="nodes")
        await nodes.wait_for_sync()
        while True:
            changed.clear()
            again = _LOOK_AGAIN if await _applied(nodes) else _RETRY
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(again):
                    await changed.wait()


async def _applied(nodes: Informer) -> bool:
    """False if the kernel refuses: it may take it later, when a link is up again."""
    try:
        made = routes.reach(nodes.list(), await asyncio.to_thread(tunnel.links))
        await asyncio.to_thread(tunnel.apply, made)
    except (NetlinkError, OSError) as error:
        log.warning("pods are not within reach yet: %s", error)
        return False
    return True
