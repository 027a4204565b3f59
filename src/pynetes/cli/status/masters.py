"""Each API server: where it is, whether it is ready, since when it runs."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from pynetes.apimachinery import times
from pynetes.cli import truststore  # noqa: F401
from pynetes.cli.status.remarks import BAD, DATA, Remark
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportRequest, reason
from pynetes.component import clock

Object = dict[str, Any]

SECTION = "masters"
SECONDS = 3.0
_NOT_READY = "not ready:"
_STATUSZ = "application/json;as=Statusz;v=v1beta1;g=config.k8s.io"


class Master(Struct, frozen=True):
    """`message`: why it is not ready. `since`: when it started, as far as it tells."""

    address: str
    name: str = ""
    ready: bool = False
    message: str = ""
    since: datetime | None = None

    @property
    def host(self) -> str:
        return host_of(self.address)

    def document(self) -> Object:
        since = times.format_time(self.since) if self.since else None
        return {
            "address": self.address,
            "name": self.name,
            "ready": self.ready,
            "message": self.message,
            "since": since,
        }


def host_of(address: str) -> str:
    """`https://[fd00::1]:6443` → `fd00::1`."""
    return address.partition("://")[2].rpartition(":")[0].strip("[]")


def addresses(slices: Iterable[Object]) -> list[str]:
    """Every server that stands behind the Service `kubernetes`."""
    found: dict[str, None] = {}
    for slice_ in slices:
        ports = [port["port"] for port in slice_.get("ports") or () if port.get("name") == "https"]
        for endpoint in slice_.get("endpoints") or ():
            for address in endpoint.get("addresses") or ():
                host = f"[{address}]" if ":" in address else address
                found |= dict.fromkeys(f"https://{host}:{port}" for port in ports)
    return sorted(found)


async def ask(config: kubeconfig.Config, address: str, name: str = "") -> Master:
    """One server, whatever the others do."""
    client = kubeconfig.client_from_config(replace(config, server=address), "pynetes-status")
    try:
        async with asyncio.timeout(SECONDS):
            ready = await client.transport.request(TransportRequest("GET", "/readyz", [("verbose", "")]))
            if ready.status != 200:
                return Master(address, name, message=not_ready(ready.status, ready.body.decode(errors="replace")))
            return Master(address, name, ready=True, since=await _since(client))
    except TimeoutError:
        return Master(address, name, message=f"no answer within {SECONDS:g} s")
    except Exception as error:
        return Master(address, name, message=reason(error))
    finally:
        await client.close()


async def _since(client: Client) -> datetime | None:
    answer = await client.transport.request(TransportRequest("GET", "/statusz", headers={"Accept": _STATUSZ}))
    if answer.status != 200:
        return None
    return times.parse_time(orjson.loads(answer.body)["startTime"])


def not_ready(status: int, text: str) -> str:
    """What of /readyz's answer tells why."""
    failed = [line.removeprefix("[-]").partition(" ")[0] for line in text.splitlines() if line.startswith("[-]")]
    return f"{_NOT_READY} {', '.join(failed)}" if failed else f"/readyz answers {status}"


def remarks(masters: list[Master]) -> list[Remark]:
    dead = [master for master in masters if not master.ready]
    if masters and len(dead) == len(masters):
        answered = [master.message for master in dead if master.message.startswith(_NOT_READY)]
        what = f"no API server is ready ({answered[0]})" if answered else f"no API server answers ({dead[0].message})"
        remedy = f"see its log, log/apiserver.log in its machine's data ({DATA}); `pynetes up` starts it"
        if any("etcd" in message for message in answered):
            remedy = "it waits for the store: see to that first"
        return [Remark(BAD, SECTION, what, remedy)]
    return [
        Remark(
            BAD,
            SECTION,
            f"{master.name or master.host}: {master.message}",
            f"see to the machine {master.host}",
            about=master.name,
        )
        for master in dead
    ]


def age(master: Master) -> float | None:
    """Seconds."""
    return max(0.0, (clock.now() - master.since).total_seconds()) if master.since else None
