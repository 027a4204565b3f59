"""endpointslice-mirroring-controller: EndpointSlices for Services whose Endpoints are written by hand."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from pynetes.client.events import WARNING
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.endpoints import mirror, slices
from pynetes.controllers.podcontrol.writes import PendingWrites

Object = dict[str, Any]

_INDEX = "mirrored"


def _key_of(slice_: Object) -> list[str]:
    labels = meta.labels(slice_)
    if labels.get(slices.MANAGED_BY) != mirror.CONTROLLER or not labels.get(slices.SERVICE_NAME):
        return []
    return [f"{meta.namespace(slice_)}/{labels[slices.SERVICE_NAME]}"]


def _selects(service: Object) -> bool:
    """Whether the other controllers look after the Service's endpoints."""
    return (service.get("spec") or {}).get("selector") is not None


class EndpointSliceMirroringController(BaseController):
    """Keeps mirrored EndpointSlices in step with Endpoints of Services without a selector."""

    name = "endpointslice-mirroring-controller"
    queue_name = "endpoint_slice_mirroring"
    account = "endpointslicemirroring-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.mirroring_concurrent_service_endpoint_syncs)
        self.recorder = context.recorder(self.account, "endpoint-slice-mirroring-controller")
        self.services = self.informer(SERVICES)
        self.endpoints = self.informer(ENDPOINTS)
        self.slices = self.informer(ENDPOINT_SLICES)
        self.slices.add_index(_INDEX, _key_of)
        self.pending = PendingWrites()
        self.services.add_handler(self._service, self._service_updated, self._service)
        self.endpoints.add_handler(self._endpoints, self._endpoints_updated, self._endpoints)
        self.slices.add_handler(self._slice_seen, self._slice_updated, self._slice_deleted)

    def _service(self, service: Object) -> None:
        if not _selects(service):
            self.enqueue(service)

    def _service_updated(self, old: Object, new: Object) -> None:
        if _selects(old) != _selects(new):
            self.enqueue(new)

    def _endpoints(self, endpoints: Object) -> None:
        if mirror.is_mirrored(endpoints):
            self.enqueue(endpoints)

    def _endpoints_updated(self, old: Object, new: Object) -> None:
        if mirror.is_mirrored(old) or mirror.is_mirrored(new):
            self.enqueue(new)

    def _slice_seen(self, slice_: Object) -> None:
        for key in _key_of(slice_):
            self.pending.seen(key, slice_)
            self.queue.add(key)

    def _slice_updated(self, old: Object, new: Object) -> None:
        if _key_of(old) != _key_of(new):
            self._slice_deleted(old)
        self._slice_seen(new)

    def _slice_deleted(self, slice_: Object) -> None:
        for key in _key_of(slice_):
            self.pending.gone(key, slice_)
            self.queue.add(key)

    async def sync(self, key: str) -> None:
        existing = [s for s in self.slices.by_index(_INDEX, key) if not meta.is_deleting(s)]
        service, endpoints = self.services.get(key), self.endpoints.get(key)
        if service is None or _selects(service) or endpoints is None or not mirror.is_mirrored(endpoints):
            self.pending.forget(key)
            for slice_ in existing:
                await self._delete(key, slice_)
            return
        if self.pending.is_stale(key):
            self.queue.add_after(key, 1.0)  # the slices that are missing in the cache will wake it sooner
            return
        limit = self.context.config.mirroring_max_endpoints_per_subset
        plan = mirror.plan(endpoints, existing, limit)
        self._tell(endpoints, plan, limit)
        try:
            await self._carry_out(key, endpoints, plan)
        except StatusError as error:
            if not has_cause(error, NAMESPACE_TERMINATING):
                raise

    def _tell(self, endpoints: Object, plan: mirror.Plan, limit: int) -> None:
        if plan.invalid:
            text = f"Skipped {plan.invalid} invalid IP addresses when mirroring to EndpointSlices"
            self.recorder.event(endpoints, WARNING, "InvalidIPAddress", text)
        if plan.skipped:
            text = (
                f"A max of {limit} addresses can be mirrored to EndpointSlices per Endpoints subset. "
                f"{plan.skipped + plan.invalid} addresses were skipped"
            )
            self.recorder.event(endpoints, WARNING, "TooManyAddressesToMirror", text)

    async def _carry_out(self, key: str, endpoints: Object, plan: mirror.Plan) -> None:
        if not meta.is_deleting(endpoints):
            for slice_ in plan.create:
                self._note(key, await self.client.create(ENDPOINT_SLICES, slice_))
        for slice_ in plan.update:
            self._note(key, await self.client.update(ENDPOINT_SLICES, slice_))
        for slice_ in plan.delete:
            await self._delete(key, slice_)

    def _note(self, key: str, written: Object) -> None:
        cached = self.slices.get(meta.key(written))
        if cached is None or int(meta.resource_version(cached)) < int(meta.resource_version(written)):
            self.pending.wrote(key, written)

    async def _delete(self, key: str, slice_: Object) -> None:
        try:
            await self.client.delete(ENDPOINT_SLICES, meta.name(slice_), meta.namespace(slice_))
        except StatusError as error:
            if error.code != 404:
                raise
            return
        if self.slices.get(meta.key(slice_)) is not None:
            self.pending.deleted(key, slice_)
