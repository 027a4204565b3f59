"""Creates objects through whichever API server serves, several at a time, and watches them, until its input ends.

A line on standard output for each:

    ok NAME TIME LIVED SERVER      acknowledged
    no NAME TIME LIVED SERVER why  not acknowledged: it may have happened
    unseen NAME                    at the end: acknowledged, and not told by the watch

TIME is the clock's; LIVED are the seconds that this process has had, without those in which the machine stood still.

Arguments: a kubeconfig, and the API servers' URLs.
"""

import asyncio
import os
import sys
from itertools import count
from typing import Any

from msgspec.structs import replace

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CONFIG_MAPS
from pynetes.client import kubeconfig, serverlist
from pynetes.client.https import HTTPSTransport
from pynetes.client.reflector import Reflector
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.client.watch import WatchEvent
from pynetes.component import clock
from pynetes.component.tasks import Tasks

_AT_ONCE = 4
_BEAT = _PAUSE = 0.1
_SETTLE_SECONDS = 100.0


class Witness:
    """The consumer of a watch: what it was told of."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def replace(self, items: list[dict[str, Any]]) -> None:
        self.names |= {item["metadata"]["name"] for item in items}

    def apply(self, event: WatchEvent) -> None:
        self.names.add(event.object["metadata"]["name"])


class Life:
    """A clock that stands still with the machine: it counts the tenths of a second that have passed one by one."""

    def __init__(self) -> None:
        self._beats = 0

    @property
    def seconds(self) -> float:
        return self._beats * _BEAT

    async def run(self) -> None:
        while True:
            await clock.sleep(_BEAT)
            self._beats += 1


async def write(client: Client, name: str) -> str:
    """Empty if it was acknowledged."""
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}
    try:
        await client.create(CONFIG_MAPS, obj)
    except (StatusError, TransportError) as error:
        return " ".join(str(error).split())
    return ""


async def main(path: str, servers: list[str]) -> None:
    transport = kubeconfig.transport(replace(kubeconfig.load(path), servers=tuple(servers)))
    client = Client(transport, user_agent="writer")
    witness, acknowledged, life = Witness(), set[str](), Life()
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with Tasks("writer") as tasks:
        tasks.start(life.run(), name="life")
        tasks.start(serverlist.ServerList(client, [transport.set_servers]).run(), name="servers")
        tasks.start(Reflector(client, CONFIG_MAPS, witness, namespace="default").run(), name="watch")
        names = (f"w{os.getpid()}-{number}" for number in count())
        await asyncio.gather(*(loop(client, transport, names, acknowledged, life, ended) for _ in range(_AT_ONCE)))
        deadline = clock.monotonic() + _SETTLE_SECONDS
        while acknowledged - witness.names and clock.monotonic() < deadline:
            await clock.sleep(_PAUSE)
    for name in sorted(acknowledged - witness.names):
        print("unseen", name)
    await client.close()


async def loop(
    client: Client,
    transport: HTTPSTransport,
    names: Any,
    acknowledged: set[str],
    life: Life,
    ended: "asyncio.Future[str]",
) -> None:
    while not ended.done():
        name, server = next(names), transport.server
        problem = await write(client, name)
        if not problem:
            acknowledged.add(name)
        times = f"{clock.monotonic():.3f} {life.seconds:.1f}"
        print("no" if problem else "ok", name, times, server, problem, flush=True)
        await clock.sleep(_PAUSE)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
