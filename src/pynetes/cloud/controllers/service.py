"""service-lb-controller: a load balancer for every Service that wants one.

A finalizer keeps a Service until its balancer is gone. What fails is told by an event and tried again after 5 seconds,
later after longer, up to 5 minutes.
"""

import logging

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES, SERVICES
from pynetes.client.controller import Controller, RetryAfter, TryAgain
from pynetes.client.events import NORMAL, WARNING
from pynetes.client.ratelimiter import ExponentialFailures, RateLimiter
from pynetes.client.workqueue import WorkQueue
from pynetes.cloud.context import CloudContext, CloudController
from pynetes.cloud.controllers import servicechanges
from pynetes.cloud.controllers.nodepredicates import is_backend, is_included
from pynetes.cloud.controllers.servicechanges import FINALIZER, Object
from pynetes.cloud.interface import ImplementedElsewhere
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

MIN_RETRY, MAX_RETRY = 5.0, 300.0
_ALL_NODES = "nodes"


class LoadBalancerError(TryAgain):
    """A step failed; the message is what the event says."""


class ServiceLBController(CloudController):
    """Keys are Services'. A second queue has one key for changes of the set of nodes."""

    name = "service-lb-controller"
    queue_name = "service"
    account = "service-controller"

    def __init__(self, context: CloudContext) -> None:
        super().__init__(context, workers=context.config.concurrent_service_syncs)
        assert context.provider.load_balancers is not None
        self.balancers = context.provider.load_balancers
        self.cluster = context.config.cluster_name
        self.queue = WorkQueue(self.queue_name, limiter=RateLimiter(ExponentialFailures(MIN_RETRY, MAX_RETRY)))
        self._node_queue: WorkQueue[str] = WorkQueue("node")
        self.recorder = context.recorder(self.account, "service-controller")
        self._known: dict[str, Object] = {}  # Services that have (or may have) a balancer, as last synced
        self._nodes_of: dict[str, dict[str, str]] = {}  # fingerprints of the nodes that balancers were told of
        self.services = self.informer(SERVICES)
        self.nodes = self.informer(NODES)
        self.services.add_handler(self._service_added, self._service_updated, self.enqueue)
        self.nodes.add_handler(self._nodes_changed, self._node_updated, self._nodes_changed)
        self.balancers.retry = self._retry

    async def run(self) -> None:
        await self.wait_for_sync()
        async with Tasks(self.name) as tasks:
            tasks.start(Controller(self._node_queue.name, self._node_queue, self.sync_nodes).run(), name="nodes")
            await super().run()

    def _retry(self, key: str) -> None:
        self.queue.forget(key)
        self.queue.add(key)

    def _wants(self, service: Object) -> bool:
        return servicechanges.wants_load_balancer(service, self.balancers.load_balancer_class)

    def _service_added(self, service: Object) -> None:
        if self._wants(service) or servicechanges.needs_cleanup(service):
            self.enqueue(service)

    def _service_updated(self, old: Object, new: Object) -> None:
        changed = servicechanges.needs_update(old, new, self.balancers.load_balancer_class)
        if changed or servicechanges.needs_cleanup(new):
            self.enqueue(new)

    def _nodes_changed(self, node: Object) -> None:
        self._node_queue.add(_ALL_NODES)

    def _node_updated(self, old: Object, new: Object) -> None:
        ids = [(node.get("spec") or {}).get("providerID", "") for node in (old, new)]
        if is_included(old) != is_included(new) or ids[0] != ids[1]:
            self._node_queue.add(_ALL_NODES)

    def _backends(self) -> list[Object]:
        return [node for node in self.nodes.list() if is_backend(node)]

    # -- Services

    async def sync(self, key: str) -> None:
        service = self.services.get(key)
        known = self._known.get(key)
        if known is not None and (service is None or meta.uid(known) != meta.uid(service)):
            await self._delete_balancer_of_gone(known)
            self._forget(key)
        if service is None:
            return
        self._known[key] = service
        try:
            wanted = await self._sync_service(key, service)
        except (LoadBalancerError, RetryAfter) as error:
            self._warn(service, "SyncLoadBalancerFailed", f"Error syncing load balancer: {error}")
            if not isinstance(error.__cause__, RetryAfter | TryAgain):
                log.error("service %s: %s", key, error, exc_info=error.__cause__)
            raise
        if not wanted:
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._known.pop(key, None)
        self._nodes_of.pop(key, None)

    async def _sync_service(self, key: str, service: Object) -> bool:
        """Whether the Service wants a balancer; LoadBalancerError when it has not got what it wants."""
        if not self._wants(service) or servicechanges.needs_cleanup(service):
            await self._delete_balancer(service)
            await self._write_status(service, {})
            return False
        self._tell(service, "EnsuringLoadBalancer", "Ensuring load balancer")
        if FINALIZER not in meta.finalizers(service):
            await self._patch(service, {"metadata": {"finalizers": [FINALIZER]}}, "add load balancer cleanup finalizer")
        try:
            status = await self._ensure(key, service)
        except ImplementedElsewhere:
            return True
        self._tell(service, "EnsuredLoadBalancer", "Ensured load balancer")
        await self._write_status(service, status)
        return True

    async def _ensure(self, key: str, service: Object) -> Object:
        nodes = self._backends()
        if not nodes:
            self._warn(service, "UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer")
        self._nodes_of[key] = servicechanges.fingerprint(nodes)
        try:
            return await self.balancers.ensure(self.cluster, service, nodes)
        except ImplementedElsewhere:
            raise
        except RetryAfter as error:
            raise RetryAfter(f"failed to ensure load balancer: {error}", error.seconds) from error
        except Exception as error:
            raise LoadBalancerError(f"failed to ensure load balancer: {error}") from error

    async def _delete_balancer(self, service: Object) -> None:
        try:
            exists = await self.balancers.get(self.cluster, service) is not None
        except Exception as error:
            raise LoadBalancerError(f"failed to check if load balancer exists before cleanup: {error}") from error
        if exists:
            self._tell(service, "DeletingLoadBalancer", "Deleting load balancer")
            try:
                await self.balancers.ensure_deleted(self.cluster, service)
            except ImplementedElsewhere:
                pass
            except Exception as error:
                raise LoadBalancerError(f"failed to delete load balancer: {error}") from error
        if FINALIZER in meta.finalizers(service):
            patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
            await self._patch(service, patch, "remove load balancer cleanup finalizer")
        self._tell(service, "DeletedLoadBalancer", "Deleted load balancer")

    async def _delete_balancer_of_gone(self, service: Object) -> None:
        """The Service went without its finalizer: all that is left of it is what is remembered."""
        if not self._wants(service):
            return
        self._tell(service, "DeletingLoadBalancer", "Deleting load balancer")
        try:
            await self.balancers.ensure_deleted(self.cluster, service)
        except Exception as error:
            self._warn(service, "DeleteLoadBalancerFailed", f"Error deleting load balancer: {error}")
            raise
        self._tell(service, "DeletedLoadBalancer", "Deleted load balancer")

    async def _write_status(self, service: Object, status: Object) -> None:
        ingress = status.get("ingress") or []
        if ingress != (servicechanges.status_of(service).get("ingress") or []):
            patch = {"status": {"loadBalancer": {"ingress": ingress or None}}}
            await self._patch(service, patch, "update load balancer status")

    async def _patch(self, service: Object, patch: Object, what: str) -> None:
        name, namespace = meta.name(service), meta.namespace(service)
        try:
            await self.client.patch(SERVICES, name, patch, namespace, type="strategic", subresource="status")
        except StatusError as error:
            if error.code != 404:
                raise LoadBalancerError(f"failed to {what}: {error}") from error

    # -- nodes

    async def sync_nodes(self, key: str) -> None:
        """Tells all balancers of the nodes; a Service whose balancer cannot be told takes the long way."""
        nodes = self._backends()
        for name, service in list(self._known.items()):
            if not self._wants(service) or self._nodes_of.get(name) == servicechanges.fingerprint(nodes):
                continue
            self._nodes_of[name] = servicechanges.fingerprint(nodes)
            if not await self._update_nodes(service, nodes):
                self.queue.add(name)

    async def _update_nodes(self, service: Object, nodes: list[Object]) -> bool:
        try:
            await self.balancers.update(self.cluster, service, nodes)
        except ImplementedElsewhere:
            return True
        except Exception as error:
            return await self._explain_update(service, nodes, error)
        if nodes:
            self._tell(service, "UpdatedLoadBalancer", "Updated load balancer with new hosts")
        else:
            self._warn(service, "UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer")
        return True

    async def _explain_update(self, service: Object, nodes: list[Object], error: Exception) -> bool:
        """It is only an error if there is a balancer."""
        try:
            if await self.balancers.get(self.cluster, service) is None:
                return True
        except Exception as unknown:
            log.warning("failed to check if load balancer exists for service %s: %s", meta.key(service), unknown)
        text = (
            f"Error updating load balancer with new hosts {servicechanges.loggable_names(nodes)}"
            f" [node names limited, total number of nodes: {len(nodes)}], error: {error}"
        )
        self._warn(service, "UpdateLoadBalancerFailed", text)
        return False

    def _tell(self, service: Object, reason: str, message: str) -> None:
        self.recorder.event(service, NORMAL, reason, message)

    def _warn(self, service: Object, reason: str, message: str) -> None:
        self.recorder.event(service, WARNING, reason, message)
