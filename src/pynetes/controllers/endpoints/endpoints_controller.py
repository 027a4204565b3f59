"""endpoints-controller: one Endpoints object for each Service with a selector."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import ENDPOINTS, PODS, SERVICES
from pynetes.client.events import WARNING
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.endpoints import membership, subsets
from pynetes.controllers.endpoints.trigger_time import TriggerTimes, annotate
from pynetes.controllers.endpoints.watching import ServiceTrigger, pods_of
from pynetes.controllers.podcontrol.writes import PendingWrites

Object = dict[str, Any]


class EndpointsController(BaseController):
    """Keeps Endpoints in step with Services and pods."""

    name = "endpoints-controller"
    queue_name = "endpoint"
    account = "endpoint-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_endpoint_syncs)
        self.recorder = context.recorder(self.account, "endpoint-controller")
        self.services = self.informer(SERVICES)
        self.pods = self.informer(PODS)
        self.endpoints = self.informer(ENDPOINTS)
        self.pending = PendingWrites()
        self.trigger_times = TriggerTimes()
        ServiceTrigger(self.services, self.pods, self.queue.add)
        self.endpoints.add_handler(self._seen, lambda old, new: self._seen(new), self._endpoints_deleted)

    def _seen(self, endpoints: Object) -> None:
        """Also at the start: endpoints whose Service is gone are cleaned up."""
        key = meta.key(endpoints)
        stale = self.pending.is_stale(key)
        self.pending.seen(key, endpoints)
        ours = meta.labels(endpoints).get(subsets.MANAGED_BY) == subsets.CONTROLLER
        if stale or (ours and self.services.has_synced and self.services.get(key) is None):
            self.queue.add(key)

    def _endpoints_deleted(self, endpoints: Object) -> None:
        self.pending.gone(meta.key(endpoints), endpoints)
        self.enqueue(endpoints)

    async def sync(self, key: str) -> None:
        service = self.services.get(key)
        if service is None:
            await self._clean_up(key)
            return
        if not membership.has_endpoints(service):
            return
        if self.pending.is_stale(key):
            self.queue.add_after(key, 1.0)
            return
        current, pods = self.endpoints.get(key), pods_of(service, self.pods)
        wanted = subsets.desired(service, pods, current)
        trigger = self.trigger_times.next(service, pods)
        if wanted is not None:
            await self._write(key, service, current, annotate(wanted, trigger))

    async def _clean_up(self, key: str) -> None:
        self.pending.forget(key)
        self.trigger_times.forget(key)
        namespace, name = meta.split_key(key)
        if self.endpoints.get(key) is None:
            return
        try:
            await self.client.delete(ENDPOINTS, name, namespace)
        except StatusError as error:
            if error.code != 404:
                raise

    async def _write(self, key: str, service: Object, current: Object | None, wanted: Object) -> None:
        try:
            if current is None:
                written = await self.client.create(ENDPOINTS, wanted)
            else:
                written = await self.client.update(ENDPOINTS, wanted)
        except StatusError as error:
            if current is None:
                if has_cause(error, NAMESPACE_TERMINATING):
                    return
                text = f"Failed to create endpoint for service {key}: {error}"
                self.recorder.event(wanted, WARNING, "FailedToCreateEndpoint", text)
            else:
                text = f"Failed to update endpoint {key}: {error}"
                self.recorder.event(wanted, WARNING, "FailedToUpdateEndpoint", text)
            raise
        cached = self.endpoints.get(key)
        if cached is None or int(meta.resource_version(cached)) < int(meta.resource_version(written)):
            self.pending.wrote(key, written)
