"""node-lifecycle-controller: watches nodes' heartbeats, and taints those that are unhealthy."""

import logging
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import LEASES, NODES, PODS
from pynetes.client.controller import Controller
from pynetes.client.events import NORMAL, WARNING
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.component.tasks import Tasks, run_forever
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.nodelifecycle import health, measures, taints, zones
from pynetes.controllers.nodelifecycle.health import NodeHealth
from pynetes.controllers.nodelifecycle.zones import TaintQueue, ZoneState
from pynetes.controllers.podcontrol import podindex, state

log = logging.getLogger(__name__)

Object = dict[str, Any]

LEASE_NAMESPACE = "kube-node-lease"
EXCLUDED = "node.kubernetes.io/exclude-disruption"


class NodeLifecycleController(BaseController):
    """Keys are nodes whose NoSchedule taints may be wrong; health is looked at every few seconds."""

    name = "node-lifecycle-controller"
    queue_name = "node_lifecycle_controller"
    account = "node-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=4)
        self.recorder = context.recorder(self.account, "node-controller")
        self.nodes = self.informer(NODES)
        self.nodes.add_handler(self.enqueue, self.enqueue_update)
        self.leases = self.informer(LEASES, namespace=LEASE_NAMESPACE)
        self.pods = self.informer(PODS)
        podindex.index_by_node(self.pods)
        self.pods.add_handler(self._pod_seen, self._pod_updated)
        self._known: dict[str, Object] = {}
        self._health: dict[str, NodeHealth] = {}
        self._status: dict[str, str] = {}
        self._queues: dict[str, TaintQueue] = {}
        self._zones: dict[str, ZoneState | None] = {}
        self._pods_to_mark: set[str] = set()

    async def run(self) -> None:
        await self.wait_for_sync()
        async with Tasks(self.name) as tasks:
            period = self.context.config.node_monitor_period
            tasks.start(run_forever(self.monitor, period=period, name="node monitor"), name="monitor")
            await Controller(self.name, self.queue, self.sync, workers=self._workers).run()

    # -- NoSchedule taints follow the conditions at once

    async def sync(self, key: str) -> None:
        node = self.nodes.get(key)
        if node is None:
            return
        wanted = taints.no_schedule(node)
        if wanted is not None:
            await self._write_taints(node, wanted)

    async def _write_taints(self, node: Object, wanted: list[Object]) -> Object:
        """A merge patch with the version it was made from: nobody else's taint gets lost."""
        patch = {"metadata": {"resourceVersion": meta.resource_version(node)}, "spec": {"taints": wanted or None}}
        return await self.client.patch(NODES, meta.name(node), patch, type="merge")

    # -- pods that land on a node that is down already

    def _pod_seen(self, pod: Object) -> None:
        node = state.node_name(pod)
        if node and self._status.get(node, "True") != "True":
            self._pods_to_mark.add(node)

    def _pod_updated(self, old: Object, new: Object) -> None:
        if state.node_name(old) != state.node_name(new):
            self._pod_seen(new)

    # -- health

    async def monitor(self) -> None:
        """One look at all nodes."""
        began = clock.monotonic()
        nodes = self.nodes.list()
        self._note_coming_and_going(nodes)
        by_zone: dict[str, list[str]] = {}
        for node in nodes:
            try:
                looked = clock.monotonic()
                await self._check(node, by_zone)
                measures.ONE_SECONDS.observe(clock.monotonic() - looked)
            except (StatusError, TransportError) as error:
                log.info("health of node %s: %s", meta.name(node), error)
        measures.zones(by_zone)
        await self._judge_zones(by_zone)
        measures.ALL_SECONDS.observe(clock.monotonic() - began)
        await self._taint_next()

    def _note_coming_and_going(self, nodes: list[Object]) -> None:
        current = {meta.name(node): node for node in nodes}
        for name, node in current.items():
            self._queue(node)
            if name not in self._known:
                self._tell(node, "RegisteredNode", f"Registered Node {name} in Controller")
        for name, node in self._known.items():
            if name not in current:
                self._tell(node, "RemovingNode", f"Removing Node {name} from Controller")
                self._health.pop(name, None)
                self._status.pop(name, None)
                for queue in self._queues.values():
                    queue.remove(name)
        self._known = current

    def _tell(self, node: Object, reason: str, event: str) -> None:
        name = meta.name(node)
        reference = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": meta.uid(node)}
        self.recorder.event(reference, NORMAL, reason, f"Node {name} event: {event}")

    async def _check(self, node: Object, by_zone: dict[str, list[str]]) -> None:
        """Adds the node's Ready status after looking at its heartbeats, and reacts to it.

        A reaction that fails takes nothing back: a zone whose healthy nodes were not counted would seem to be down.
        """
        name, now, config = meta.name(node), clock.monotonic(), self.context.config
        age = _age(node)
        known = health.observe(self._health.get(name), node, self.leases.get(f"{LEASE_NAMESPACE}/{name}"), now, age)
        self._health[name] = known
        before = health.ready_status(node)
        silent = health.is_silent(known, now, config.node_monitor_grace_period, config.node_startup_grace_period)
        if silent:
            conditions = health.unknown_conditions(node, clock.now())
            if conditions != health.conditions(node):
                changed = {**node, "status": {**(node.get("status") or {}), "conditions": conditions}}
                node = await self.client.update_status(NODES, changed)
        status = health.ready_status(node)
        if EXCLUDED not in meta.labels(node):
            by_zone.setdefault(zones.zone_of(node), []).append(status)
        if meta.get_condition(health.conditions(node), "Ready") is not None:
            await self._react(node, before, status)

    async def _react(self, node: Object, before: str, status: str) -> None:
        name = meta.name(node)
        if status == "True":
            await self._mark_reachable(node)
        elif taints.has(node, taints.NOT_READY, "NoExecute") or taints.has(node, taints.UNREACHABLE, "NoExecute"):
            wanted = taints.no_execute(node, times.format_time(clock.now()))
            if wanted is not None:
                await self._write_taints(node, wanted)
        else:
            queue = self._queue(node)
            queue.remove(name)
            queue.add(name)
        was = self._status.get(name, before)
        self._status[name] = status
        if status != "True" and was == "True":
            self._pods_to_mark.add(name)
            reference = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": meta.uid(node)}
            self.recorder.event(reference, NORMAL, "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        if status == "True":
            self._pods_to_mark.discard(name)
        elif name in self._pods_to_mark:
            await self._mark_pods_not_ready(name)
            self._pods_to_mark.discard(name)

    async def _mark_reachable(self, node: Object) -> None:
        wanted = taints.without_no_execute(node)
        if wanted is not None:
            await self._write_taints(node, wanted)
        self._queue(node).remove(meta.name(node))

    async def _mark_pods_not_ready(self, name: str) -> None:
        """Services must not send anyone to a node that nobody hears of."""
        for pod in podindex.on_node(self.pods, name):
            if state.ready_condition(pod) is None or not state.is_ready(pod):
                continue
            condition = {
                "type": "Ready",
                "status": "False",
                "reason": "NodeNotReady",
                "lastTransitionTime": times.format_time(clock.now()),
            }
            patch = {"metadata": {"uid": meta.uid(pod)}, "status": {"conditions": [condition]}}
            namespace = meta.namespace(pod)
            try:
                await self.client.patch(PODS, meta.name(pod), patch, namespace, type="strategic", subresource="status")
            except StatusError as error:
                if error.code not in (404, 409):
                    raise
                continue
            self.recorder.event(pod, WARNING, "NodeNotReady", "Node is not ready")

    # -- how fast unhealthy nodes are tainted

    def _queue(self, node: Object) -> TaintQueue:
        zone = zones.zone_of(node)
        if zone not in self._queues:
            self._queues[zone] = TaintQueue(self.context.config.node_eviction_rate)
            self._zones.setdefault(zone, None)
        return self._queues[zone]

    async def _judge_zones(self, by_zone: dict[str, list[str]]) -> None:
        config = self.context.config
        now = {
            zone: zones.state_of(found.count("True"), len(found) - found.count("True"), config.unhealthy_zone_threshold)
            for zone, found in by_zone.items()
        }
        if not now:
            return
        all_down = all(state is ZoneState.FULL_DISRUPTION for state in now.values())
        known = [self._zones.get(zone) for zone in now]
        were_down = all(state is ZoneState.FULL_DISRUPTION for state in known)
        if all_down and were_down:
            return
        if all_down:
            log.warning("all nodes are not ready: entering master disruption mode, nothing is evicted")
            for node in self.nodes.list():
                await self._mark_reachable(node)
        elif were_down:
            log.info("some nodes are ready again: leaving master disruption mode")
            moment = clock.monotonic()
            for name, known_health in self._health.items():
                self._health[name] = NodeHealth(moment, known_health.heartbeat, known_health.renew_time)
        for zone, zone_state in now.items():
            rate = zones.eviction_rate(
                zone_state,
                len(by_zone[zone]),
                config.node_eviction_rate,
                config.secondary_node_eviction_rate,
                config.large_cluster_size_threshold,
            )
            if zone in self._queues:
                self._queues[zone].set_rate(0.0 if all_down else rate)
        self._zones = dict(now)

    async def _taint_next(self) -> None:
        for queue in self._queues.values():
            while (name := queue.take()) is not None:
                node = self.nodes.get(name)
                if node is None or health.ready_status(node) == "True":
                    continue
                wanted = taints.no_execute(node, times.format_time(clock.now()))
                if wanted is None:
                    continue
                try:
                    await self._write_taints(node, wanted)
                except (StatusError, TransportError) as error:
                    log.info("could not taint node %s: %s", name, error)
                    queue.give_back(name)
                    break
                measures.EVICTIONS.labels(zones.zone_of(node)).inc()


def _age(node: Object) -> float:
    created = meta.creation_time(node)
    return max(0.0, (clock.now() - times.parse_time(created)).total_seconds()) if created else 0.0
