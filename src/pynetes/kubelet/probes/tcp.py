"""TCP probes: healthy when a connection can be opened."""

import asyncio

from pynetes.kubelet.probes.http import explain
from pynetes.kubelet.probes.outcome import Outcome
from pynetes.kubelet.probes.ports import join_host_port


async def probe(host: str, port: int, timeout: float) -> Outcome:
    address = join_host_port(host, port)
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Outcome("failure", f"dial tcp {address}: i/o timeout")
    except OSError as error:
        return Outcome("failure", explain(error, address))
    # Reset instead of the usual farewell: thousands of probes must not fill the table of ports in TIME_WAIT.
    writer.transport.abort()
    return Outcome("success")
