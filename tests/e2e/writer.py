"""Creates objects through whichever API server serves, until standard input ends: a line on standard output for each.

    ok NUMBER SECONDS SERVER      acknowledged
    no NUMBER SECONDS SERVER why  not acknowledged: it may have happened

Arguments: a kubeconfig, and the API servers' URLs.
"""

import asyncio
import sys
from dataclasses import replace

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CONFIG_MAPS
from pynetes.client import kubeconfig, serverlist
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.component.tasks import Tasks

_PAUSE = 0.05


async def write(client: Client, number: int) -> str:
    """Empty if it was acknowledged."""
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"w{number}", "namespace": "default"}}
    try:
        await client.create(CONFIG_MAPS, obj)
    except (StatusError, TransportError) as error:
        return " ".join(str(error).split())
    return ""


async def main(path: str, servers: list[str]) -> None:
    transport = kubeconfig.transport(replace(kubeconfig.load(path), servers=tuple(servers)))
    client = Client(transport, user_agent="writer")
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)
    number = 0
    async with Tasks("writer") as tasks:
        tasks.start(serverlist.ServerList(client, [transport.set_servers]).run(), name="servers")
        while not ended.done():
            number += 1
            problem = await write(client, number)
            print("no" if problem else "ok", number, f"{loop.time():.3f}", transport.server, problem, flush=True)
            await clock.sleep(_PAUSE)
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
