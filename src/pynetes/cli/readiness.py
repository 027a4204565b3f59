"""Waiting for a cluster to be there, seen from outside: what `up` shows and `status` asks."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from dnslib import QTYPE, DNSRecord

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES
from pynetes.cli.etcd import MemberConfig
from pynetes.cli.settings import Settings
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

_POLL = 0.05


class NotReady(Exception):
    """It did not become ready in time; the message says what was seen last."""


async def api_is_ready(client: Client) -> str:
    """Empty if /readyz says ok, else what it says."""
    try:
        response = await client.raw("GET", "/readyz", query=[("verbose", "")])
    except (TransportError, StatusError) as error:
        return str(error)
    return "" if response.status == 200 else f"/readyz answers {response.status}"


async def etcd_votes(config: MemberConfig) -> str:
    """Empty if this machine's etcd member counts for the quorum."""
    from pynetes.cli import etcdmember
    from pynetes.storage import StoreUnavailable

    try:
        return "" if await etcdmember.is_voter(config) else "it is catching up"
    except StoreUnavailable as error:
        return str(error)


async def node_is_ready(client: Client, name: str, boot_id: str = "") -> str:
    """Empty if the node's condition Ready is true, else its reason. What it was before `boot_id` is no news."""
    try:
        node = await client.get(NODES, name)
    except StatusError as error:
        return "the kubelet has not registered it" if error.code == 404 else str(error)
    except TransportError as error:
        return str(error)
    if boot_id and node.get("status", {}).get("nodeInfo", {}).get("bootID") != boot_id:
        return "the kubelet has not reported since this machine has booted"
    ready = meta.get_condition(node.get("status", {}).get("conditions") or [], "Ready")
    if ready is None:
        return "it reports no conditions yet"
    return "" if ready["status"] == "True" else str(ready.get("message") or ready.get("reason"))


async def dns_answers(settings: Settings) -> str:
    """Empty if the cluster DNS, asked through its Service, knows the API server's name."""
    question = DNSRecord.question(f"kubernetes.default.svc.{settings.domain}", "A")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        try:
            asker.connect((settings.dns_ip, 53))
            await loop.sock_sendall(asker, bytes(question.pack()))
            async with asyncio.timeout(0.5):
                answer = DNSRecord.parse(await loop.sock_recv(asker, 4096))
        except (OSError, TimeoutError) as error:
            return f"no answer at {settings.dns_ip}:53 ({type(error).__name__})"
    found = [str(record.rdata) for record in answer.rr if record.rtype == QTYPE.A]
    return "" if settings.service_ip in found else f"it answers {found}"


async def wait_until(check: Callable[[], Awaitable[str]], *, seconds: float, note: Callable[[str], Any]) -> None:
    """Polls `check` until it returns an empty text. Raises `NotReady` with the last text."""
    deadline = clock.monotonic() + seconds
    while problem := await check():
        note(problem)
        if clock.monotonic() > deadline:
            raise NotReady(problem)
        await clock.sleep(_POLL)
