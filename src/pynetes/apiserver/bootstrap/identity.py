"""Which API servers live, for whoever asks the API: a Lease in kube-system for each, as upstream's identity leases.

A server makes its lease anew when it starts, renews it every 10 seconds and deletes it when it ends; those of servers
that are gone without a word are collected when they are an hour old, by any server.
"""

import base64
import hashlib
import logging
import socket
import uuid
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import parse_time
from pynetes.apis.names import LEASES
from pynetes.client.lease import LeaseKeeper
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

log = logging.getLogger(__name__)

Object = dict[str, Any]

NAMESPACE, COMPONENT = "kube-system", "kube-apiserver"
LABEL = "apiserver.kubernetes.io/identity"
SECONDS = 3600
_PERIOD, _COLLECT = 10.0, 3600.0


@cache
def server_id() -> str:
    """Names this server by its machine, as the original does."""
    parts = (socket.gethostname().encode(), COMPONENT.encode())
    told = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return f"apiserver-{base64.b32encode(hashlib.sha256(told).digest()[:16]).decode().rstrip('=').lower()}"


def identity_lease(client: Client) -> LeaseKeeper:
    labels = {LABEL: COMPONENT, "kubernetes.io/hostname": socket.gethostname()}

    def dress(lease: Object) -> None:
        lease["metadata"]["labels"] = {**(lease["metadata"].get("labels") or {}), **labels}

    holder = f"{server_id()}_{uuid.uuid4()}"
    return LeaseKeeper(client, server_id(), NAMESPACE, holder=holder, duration=SECONDS, period=_PERIOD, dress=dress)


def is_expired(lease: Object, now: datetime) -> bool:
    """One that does not say how long it is good is good no more."""
    spec = lease.get("spec") or {}
    renewed, seconds = spec.get("renewTime"), spec.get("leaseDurationSeconds")
    if not renewed or seconds is None:
        return True
    return parse_time(renewed) + timedelta(seconds=seconds) < now


async def collect(client: Client) -> None:
    """Deletes the leases of servers that are gone, at once and then every hour."""
    while True:
        try:
            found = await client.list(LEASES, NAMESPACE, label_selector=f"{LABEL}={COMPONENT}")
            for lease in found["items"]:
                if is_expired(lease, clock.now()):
                    await _delete(client, lease)
        except (StatusError, TransportError) as error:
            log.error("leases of API servers that are gone stay for now: %s", error)
        await clock.sleep(_COLLECT)


async def _delete(client: Client, lease: Object) -> None:
    """Unless it has been renewed meanwhile."""
    try:
        await client.delete(LEASES, meta.name(lease), NAMESPACE, resource_version=meta.resource_version(lease))
    except StatusError as error:
        if error.code not in (404, 409):
            raise
