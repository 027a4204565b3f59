"""A Lease that says who lives: made once, renewed for as long as that is so."""

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

Object = dict[str, Any]

_FIRST_RETRY, _MAX_RETRY = 0.2, 7.0


class LeaseKeeper:
    """Keeps one lease. `duration` and `period`, at which it is renewed, in seconds; `dress` adds to its metadata what
    belongs there, before every write."""

    def __init__(
        self,
        client: Client,
        name: str,
        namespace: str,
        *,
        holder: str,
        duration: int,
        period: float,
        dress: Callable[[Object], None],
    ) -> None:
        self._client, self.name, self._namespace = client, name, namespace
        self._holder, self._duration, self._period, self._dress = holder, duration, period, dress
        self._lease: Object | None = None

    async def run(self) -> None:
        """Renews until cancelled."""
        wait = _FIRST_RETRY
        while True:
            try:
                await self.renew()
                wait = _FIRST_RETRY
                await clock.sleep(self._period)
            except (StatusError, TransportError) as error:
                log.error("failed to renew the lease %s, will retry in %g s: %s", self.name, wait, error)
                self._lease = None
                await clock.sleep(wait)
                wait = min(2 * wait, _MAX_RETRY)

    async def renew(self) -> None:
        """Writes the lease once, making it if need be. Raises StatusError, TransportError."""
        if self._lease is None:
            self._lease = await self._find()
        if self._lease is not None:
            try:
                self._lease = await self._client.update(LEASES, self._renewed(self._lease))
                return
            except StatusError as error:
                if error.code not in (404, 409):
                    raise
                self._lease = await self._find()  # somebody else wrote it
        if self._lease is None:
            self._lease = await self._client.create(LEASES, self._renewed(None), self._namespace)
        else:
            self._lease = await self._client.update(LEASES, self._renewed(self._lease))

    async def remove(self) -> None:
        """Whoever held it lives no more. StatusError, TransportError."""
        self._lease = None
        try:
            await self._client.delete(LEASES, self.name, self._namespace)
        except StatusError as error:
            if error.code != 404:
                raise

    async def _find(self) -> Object | None:
        try:
            return await self._client.get(LEASES, self.name, self._namespace)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    def _renewed(self, old: Object | None) -> Object:
        lease = meta.copy(old) if old else self._new()
        lease["spec"] = {
            **(lease.get("spec") or {}),
            "holderIdentity": self._holder,
            "leaseDurationSeconds": self._duration,
            "renewTime": format_micro_time(clock.now()),
        }
        self._dress(lease)
        return lease

    def _new(self) -> Object:
        metadata = {"name": self.name, "namespace": self._namespace}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
