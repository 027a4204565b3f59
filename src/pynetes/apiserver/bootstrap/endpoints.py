"""Keeps the endpoints of the Service `kubernetes` the list of the living API servers, this one among them."""

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from contextlib import aclosing

from pynetes.apiserver.bootstrap import service
from pynetes.apiserver.bootstrap.masterleases import PERIOD, MasterLeases
from pynetes.apiserver.config import APIServerConfig
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.tasks import run_forever
from pynetes.storage import Store, StoreError

log = logging.getLogger(__name__)

_RETRY = 1.0


class EndpointReconciler:
    """`reconcile` once makes what is missing, `run` keeps it up, `withdraw` ends it for this server."""

    def __init__(
        self, client: Client, store: Store, config: APIServerConfig, address: Callable[[], tuple[str, int]]
    ) -> None:
        """`address` gives where clients of the cluster reach this server."""
        self._client = client
        self._leases = MasterLeases(store)
        self._cidr, self._node_port = config.service_cluster_ip_range, config.kubernetes_service_node_port
        self._publishes = config.endpoint_reconciler_type != "none"
        self._address = address
        self._lock = asyncio.Lock()
        self._withdrawn = False

    @property
    def _is_reachable(self) -> bool:
        """A server that only its own machine can reach is no endpoint, nor is one that shall not be."""
        return self._publishes and not ipaddress.ip_address(self._address()[0]).is_loopback

    async def reconcile(self) -> None:
        """The Service, this server's lease, and the endpoints of all."""
        await service.ensure(self._client, self._cidr, self._address()[1], self._node_port)
        if self._is_reachable:
            async with self._lock:
                if not self._withdrawn:
                    await self._leases.renew(self._address()[0])
            await self._publish()

    async def run(self) -> None:
        """Until cancelled: in time for the lease, and whenever another server comes or goes."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            await clock.sleep(PERIOD)
            await run_forever(self.reconcile, period=PERIOD, name="endpoints of the kubernetes Service")

    async def _follow(self) -> None:
        while self._is_reachable:
            try:
                async with aclosing(self._leases.changes()) as changes:
                    async for _ in changes:
                        await self._publish()
            except StoreError as error:
                log.info("who else serves is not known for now: %s", error)
            except Exception:
                log.exception("the endpoints of the kubernetes Service could not be written")
            await clock.sleep(_RETRY)

    async def _publish(self) -> None:
        async with self._lock:
            # None, though this server has just said that it lives, means that something is wrong: nothing is erased.
            if self._withdrawn or await self._leases.living():
                await service.ensure_endpoints(self._client, self._leases.living, self._address()[1])

    async def withdraw(self) -> bool:
        """This server is no endpoint from now on; whether another one is."""
        self._withdrawn = True
        if not self._is_reachable:
            return False
        async with self._lock:
            await self._leases.remove(self._address()[0])
        await self._publish()
        return bool(await self._leases.living())
