"""The node's heartbeat: a Lease in kube-node-lease, renewed every quarter of its duration."""

import logging
from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_micro_time
from pynetes.apis.names import LEASES
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

log = logging.getLogger(__name__)

NAMESPACE = "kube-node-lease"
_RENEW_FRACTION = 0.25
_FIRST_RETRY, _MAX_RETRY = 0.2, 7.0


class NodeLease:
    """`node` gives the Node object once it is known: its deletion takes the lease along."""

    def __init__(
        self, client: Client, node_name: str, *, duration: int = 40, node: Callable[[], dict[str, Any] | None]
    ) -> None:
        self._client, self._name, self._duration, self._node = client, node_name, duration, node
        self._lease: dict[str, Any] | None = None

    async def run(self) -> None:
        """Renews until cancelled."""
        wait = _FIRST_RETRY
        while True:
            try:
                await self.renew()
                wait = _FIRST_RETRY
                await clock.sleep(self._duration * _RENEW_FRACTION)
            except (StatusError, TransportError) as error:
                log.error("failed to renew the lease of node %s, will retry in %g s: %s", self._name, wait, error)
                self._lease = None
                await clock.sleep(wait)
                wait = min(2 * wait, _MAX_RETRY)

    async def renew(self) -> None:
        """Writes the lease once, making it if need be. Raises StatusError, TransportError."""
        if self._lease is None:
            self._lease = await self._find()
        if self._lease is None:
            self._lease = await self._client.create(LEASES, self._renewed(None), NAMESPACE)
            return
        self._lease = await self._client.update(LEASES, self._renewed(self._lease))

    async def _find(self) -> dict[str, Any] | None:
        try:
            return await self._client.get(LEASES, self._name, NAMESPACE)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    def _renewed(self, old: dict[str, Any] | None) -> dict[str, Any]:
        lease = meta.copy(old) if old else self._new()
        lease["spec"] = {
            **(lease.get("spec") or {}),
            "holderIdentity": self._name,
            "leaseDurationSeconds": self._duration,
            "renewTime": format_micro_time(clock.now()),
        }
        node = self._node()
        if not lease["metadata"].get("ownerReferences") and node is not None and meta.uid(node):
            owner = {"apiVersion": "v1", "kind": "Node", "name": self._name, "uid": meta.uid(node)}
            lease["metadata"]["ownerReferences"] = [owner]
        return lease

    def _new(self) -> dict[str, Any]:
        metadata = {"name": self._name, "namespace": NAMESPACE}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
