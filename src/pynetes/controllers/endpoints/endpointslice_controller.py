"""endpointslice-controller: the EndpointSlices of each Service with a selector."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import ENDPOINT_SLICES, NODES, PODS, SERVICES
from pynetes.client.events import NORMAL, WARNING
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.endpoints import measures, membership, slices, topology
from pynetes.controllers.endpoints.ownslices import OwnSlices
from pynetes.controllers.endpoints.trigger_time import TriggerTimes, annotate
from pynetes.controllers.endpoints.watching import ServiceTrigger, pods_of

Object = dict[str, Any]


class EndpointsUpdateFailed(Exception):
    """Some endpoints are missing; another sync may find them."""


class EndpointSliceController(BaseController):
    """Keeps EndpointSlices in step with Services, pods and nodes."""

    name = "endpointslice-controller"
    queue_name = "endpoint_slice"
    account = "endpointslice-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_service_endpoint_syncs)
        self.recorder = context.recorder(self.account, "endpoint-slice-controller")
        self.services = self.informer(SERVICES)
        self.pods = self.informer(PODS)
        self.nodes = self.informer(NODES)
        self.slices = OwnSlices(
            self.client, self.informer(ENDPOINT_SLICES), slices.CONTROLLER, self.queue.add, measures.CHANGES
        )
        self.trigger_times = TriggerTimes()
        ServiceTrigger(self.services, self.pods, self.queue.add)
        self.nodes.add_handler(self._node_added, self._node_updated, lambda node: self._enqueue_topology())
        self._hinted: set[str] = set()

    def _node_added(self, node: Object) -> None:
        self._enqueue_node(meta.name(node))
        self._enqueue_topology()

    def _node_updated(self, old: Object, new: Object) -> None:
        if meta.labels(old).get(topology.ZONE) != meta.labels(new).get(topology.ZONE):
            self._enqueue_node(meta.name(new))
        if topology.weight(old) != topology.weight(new):
            self._enqueue_topology()

    def _enqueue_topology(self) -> None:
        """The zones' shares have changed: all Services that live by them."""
        for service in self.services.list():
            if topology.is_auto(service):
                self.enqueue(service)

    def _enqueue_node(self, name: str) -> None:
        """A zone became known or another: every Service with a pod there."""
        if not self.pods.has_synced:
            return
        namespaces = {meta.namespace(p) for p in self.pods.list() if (p.get("spec") or {}).get("nodeName") == name}
        for namespace in namespaces:
            for service in self.services.list(namespace):
                self.enqueue(service)

    async def sync(self, key: str) -> None:
        result = "error"
        try:
            result = await self._sync(key)
        finally:
            measures.SYNCS[result] += 1

    async def _sync(self, key: str) -> str:
        """How it went, as the metric calls it."""
        service = self.services.get(key)
        if service is None:
            self.slices.forget(key)
            return "success"
        if not membership.has_endpoints(service):
            return "success"
        if self.slices.is_stale(key):
            self.queue.add_after(key, 1.0)  # the slices that are missing in the cache will wake it sooner
            return "stale"
        existing = self.slices.of(key)
        nodes = {meta.name(node): node for node in self.nodes.list()}
        limit = self.context.config.max_endpoints_per_slice
        pods = pods_of(service, self.pods)
        plan = slices.plan(service, pods, existing, nodes, limit)
        self._tell_topology(key, service, plan)
        trigger = self.trigger_times.next(service, pods)
        plan.create = [annotate(slice_, trigger) for slice_ in plan.create]
        plan.update = [annotate(slice_, trigger) for slice_ in plan.update]
        try:
            await self.slices.carry_out(key, plan, create=not meta.is_deleting(service))
        except StatusError as error:
            if has_cause(error, NAMESPACE_TERMINATING):
                return "success"
            text = f"Error updating Endpoint Slices for Service {key}: {error}"
            if error.code not in (404, 409):
                self.recorder.event(service, WARNING, "FailedToUpdateEndpointSlices", text)
            raise
        if plan.errors:
            raise EndpointsUpdateFailed("; ".join(plan.errors))
        return "success"

    def _tell_topology(self, key: str, service: Object, plan: slices.Plan) -> None:
        """Events about hints by topology: that there are some now, none any more, or why there can be none."""
        if key in self._hinted and not plan.topology:
            for family in membership.families(service):
                self._tell_hints(service, topology.DISABLED, family)
            self._hinted.discard(key)
        for family, problem in plan.topology.items():
            if problem:
                self._tell_hints(service, problem, family)
                self._hinted.discard(key)
            elif key not in self._hinted:
                text = f"{topology.ENABLED}, addressType: {family}"
                self.recorder.event(service, NORMAL, "TopologyAwareHintsEnabled", text)
                self._hinted.add(key)

    def _tell_hints(self, service: Object, problem: str, family: str) -> None:
        self.recorder.event(service, WARNING, "TopologyAwareHintsDisabled", f"{problem}, addressType: {family}")
