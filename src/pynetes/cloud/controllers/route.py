"""node-route-controller: routes in the cloud to every node's pods, and the condition NetworkUnavailable.

The whole table is compared at once, every `route_reconciliation_period` and when a node's pod CIDRs or addresses
change. Routes that are wrong go first, so that one destination never has two.
"""

import asyncio
import logging
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time
from pynetes.apis.names import NODES
from pynetes.client.events import WARNING
from pynetes.cloud.context import CloudContext, CloudController
from pynetes.cloud.controllers import routeplan
from pynetes.cloud.interface import Route
from pynetes.component import clock
from pynetes.component.tasks import Tasks, run_forever

log = logging.getLogger(__name__)

Object = dict[str, Any]

MAX_CONCURRENT = 200
_ROUTES = "routes"


class NodeRouteController(CloudController):
    """One key: the table."""

    name = "node-route-controller"
    account = "route-controller"

    def __init__(self, context: CloudContext) -> None:
        super().__init__(context)
        assert context.provider.routes is not None
        self.routes = context.provider.routes
        self.cluster = context.config.cluster_name
        self.cluster_cidrs = [cidr.strip() for cidr in context.config.cluster_cidr.split(",") if cidr.strip()]
        self.recorder = context.recorder(self.account, "route_controller")
        self._limit = asyncio.Semaphore(MAX_CONCURRENT)
        self.nodes = self.informer(NODES)
        self.nodes.add_handler(self._changed, self._updated, self._changed)

    def _changed(self, node: Object) -> None:
        self.queue.add(_ROUTES)

    def _updated(self, old: Object, new: Object) -> None:
        cidrs = [(node.get("spec") or {}).get("podCIDRs") for node in (old, new)]
        if cidrs[0] != cidrs[1] or routeplan.addresses_of(old) != routeplan.addresses_of(new):
            self.queue.add(_ROUTES)

    async def run(self) -> None:
        await self.wait_for_sync()
        async with Tasks(self.name) as tasks:
            period = self.context.config.route_reconciliation_period
            tasks.start(run_forever(self._look_again, period=period, name="look again"), name="look again")
            await super().run()

    async def _look_again(self) -> None:
        self.queue.add(_ROUTES)

    async def sync(self, key: str) -> None:
        nodes = self.nodes.list()
        plan = routeplan.plan(nodes, await self.routes.list(self.cluster), self.cluster_cidrs)
        await asyncio.gather(*(self._delete(route) for route in plan.delete))
        created = await asyncio.gather(*(self._create(node, route) for node, route in plan.create))
        for (node, _), done in zip(plan.create, created, strict=True):
            plan.complete[meta.name(node)] &= done
        for node in nodes:
            await self._tell(node, plan.complete.get(meta.name(node), False))

    async def _delete(self, route: Route) -> None:
        async with self._limit:
            try:
                await self.routes.delete(self.cluster, route)
            except Exception as error:
                log.error("could not delete route %s: %s", route, error)

    async def _create(self, node: Object, route: Route) -> bool:
        started = clock.monotonic()
        async with self._limit:
            try:
                await self.routes.create(self.cluster, meta.uid(node), route)
            except Exception as error:
                took = f"{(clock.monotonic() - started) * 1000:.6g}ms"
                text = (
                    f"Could not create route {meta.uid(node)} {route.destination_cidr} for node {route.target_node}"
                    f" after {took}: {error}"
                )
                reference = {"kind": "Node", "apiVersion": "v1", "name": meta.name(node), "uid": meta.uid(node)}
                self.recorder.event(reference, WARNING, "FailedToCreateRoute", text)
                return False
        return True

    async def _tell(self, node: Object, created: bool) -> None:
        condition = routeplan.network_unavailable(node, created, format_time(clock.now()))
        if condition is None:
            return
        patch = {"status": {"conditions": [condition]}}
        try:
            await self.client.patch(NODES, meta.name(node), patch, type="strategic", subresource="status")
        except StatusError as error:
            if error.code != 404:
                raise
