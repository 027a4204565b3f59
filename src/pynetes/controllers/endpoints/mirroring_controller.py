"""endpointslice-mirroring-controller: EndpointSlices for Services whose Endpoints are written by hand."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from pynetes.client.events import WARNING
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.endpoints import measures, mirror
from pynetes.controllers.endpoints.ownslices import OwnSlices

Object = dict[str, Any]


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
        self.slices = OwnSlices(
            self.client, self.informer(ENDPOINT_SLICES), mirror.CONTROLLER, self.queue.add, measures.MIRRORED
        )
        self.services.add_handler(self._service, self._service_updated, self._service)
        self.endpoints.add_handler(self._endpoints, self._endpoints_updated, self._endpoints)

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

    async def sync(self, key: str) -> None:
        existing = self.slices.of(key)
        service, endpoints = self.services.get(key), self.endpoints.get(key)
        if service is None or _selects(service) or endpoints is None or not mirror.is_mirrored(endpoints):
            self.slices.forget(key)
            for slice_ in existing:
                await self.slices.delete(key, slice_)
            return
        if self.slices.is_stale(key):
            self.queue.add_after(key, 1.0)  # the slices that are missing in the cache will wake it sooner
            return
        limit = self.context.config.mirroring_max_endpoints_per_subset
        plan = mirror.plan(endpoints, existing, limit)
        self._tell(endpoints, plan, limit)
        try:
            await self.slices.carry_out(key, plan, create=not meta.is_deleting(endpoints))
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
