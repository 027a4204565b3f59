"""The scheduler's loop: one decision after another, bindings beside them."""

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time
from pynetes.apis.names import NAMESPACES, NODES, POD_DISRUPTION_BUDGETS, PODS
from pynetes.client.informer import InformerFactory
from pynetes.client.rest import Client
from pynetes.client.seriesevents import SeriesRecorder
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.scheduler import measures
from pynetes.scheduler.algorithm import Decision, schedule
from pynetes.scheduler.cache import Cache, is_finished
from pynetes.scheduler.framework import ClusterEvent, Profile
from pynetes.scheduler.nominator import Nominator
from pynetes.scheduler.plugins import default_profile
from pynetes.scheduler.podinfo import PodInfo, pod_info
from pynetes.scheduler.preemption import Victims, eligible, preempt
from pynetes.scheduler.queue import QueuedPod, SchedulingQueue

log = logging.getLogger(__name__)

Object = dict[str, Any]


class SchedulerConfig(Struct, frozen=True):
    """`max_bindings`: how many bindings may be under way at once. `seed`: of the choice among equally good nodes."""

    profiles: Sequence[Profile] = field(default_factory=lambda: (default_profile(),))
    max_bindings: int = 64
    seed: int | None = None


class Scheduler:
    """Assigns the pods of its profiles while `run` runs. Only the elected leader may run."""

    def __init__(self, client: Client, config: SchedulerConfig | None = None) -> None:
        self._client = client
        self._config = config or SchedulerConfig()
        self._profiles = {profile.scheduler_name: profile for profile in self._config.profiles}
        self.cache = Cache()
        self.nominator = Nominator()
        self.queue = SchedulingQueue(
            {plugin.name: plugin.resolved_by for p in self._config.profiles for plugin in p.plugins},
            gate=self._gate,
        )
        self._begun = self._synced = False
        self._choose = random.Random(self._config.seed)
        self._recorders = {name: SeriesRecorder(client, name) for name in self._profiles}
        self._bindings = asyncio.Semaphore(self._config.max_bindings)
        self._informers = InformerFactory(client)
        self._pods = self._informers.informer(PODS, field_selector="status.phase!=Succeeded,status.phase!=Failed")
        self._nodes = self._informers.informer(NODES)
        self._namespaces = self._informers.informer(NAMESPACES, metadata_only=True)
        self._budgets = self._informers.informer(POD_DISRUPTION_BUDGETS)
        measures.publish(self.queue, self.cache)

    @property
    def profile_names(self) -> list[str]:
        return list(self._profiles)

    @property
    def pods(self) -> list[Object]:
        """Those that it knows, with and without a node."""
        return self._pods.list()

    @property
    def is_starting(self) -> bool:
        """It runs and does not know the whole cluster yet."""
        return self._begun and not self._synced

    async def run(self) -> None:
        """Schedules until cancelled."""
        self._begun = True
        self._nodes.add_handler(self._node_put, lambda _, node: self._node_put(node), self._node_deleted)
        self._namespaces.add_handler(self._namespace_put, lambda _, new: self._namespace_put(new), self._namespace_gone)
        async with Tasks("scheduler") as tasks:
            self._informers.start(tasks)
            # nodes first, so that the first pods do not meet an empty cluster
            for informer in (self._nodes, self._namespaces, self._budgets):
                await informer.wait_for_sync()
            self._pods.add_handler(self._pod_added, self._pod_updated, self._pod_deleted)
            await self._pods.wait_for_sync()
            self._synced = True
            for recorder in self._recorders.values():
                tasks.start(recorder.run(), name="events")
            log.info("scheduling for %d nodes", self.cache.snapshot.count)
            while True:
                pod = await self.queue.pop()
                await self._cycle(pod, tasks)

    # -- one cycle

    async def _cycle(self, pod: QueuedPod, tasks: Tasks) -> None:
        info = pod.info
        profile = self._profiles[info.scheduler_name]
        if info.uid in self.cache or info.is_deleting:
            self.queue.done(info.uid)
            return
        began = clock.monotonic()
        nominated = self.nominator.ahead_of(info)
        decision = schedule(self.cache.snapshot, info, profile, self._choose, nominated)
        measures.decided(clock.monotonic() - began)
        if decision.node is None:
            await self._unschedulable(pod, profile, decision)
            measures.attempted("unschedulable", profile.scheduler_name, clock.monotonic() - began)
            return
        self.nominator.remove(info.uid)
        self.cache.assume(info, decision.node)
        await self._bindings.acquire()
        tasks.start(self._bind(pod, decision.node, began), name=f"bind {info.key}", crash=False)

    async def _bind(self, pod: QueuedPod, node: str, began: float) -> None:
        info, asked = pod.info, clock.monotonic()
        measures.binding(1)
        try:
            await self._client.create(
                PODS, binding(info, node), info.namespace, name=info.pod["metadata"]["name"], subresource="binding"
            )
        except (StatusError, TransportError) as error:
            self.cache.forget(info)
            measures.ran("Bind", info.scheduler_name, clock.monotonic() - asked, "Error")
            measures.attempted("error", info.scheduler_name, clock.monotonic() - began)
            if isinstance(error, StatusError) and error.code == 404:
                self.queue.done(info.uid)  # the pod is gone
                return
            log.warning("%s could not be bound to %s: %s", info.key, node, error)
            self.nominator.put(info, info.nominated_node)
            self.queue.failed(pod, ())
            self._record(info, "Warning", "FailedScheduling", "Scheduling", f"binding rejected: {error}")
        else:
            self.queue.done(info.uid)
            now = clock.monotonic()
            measures.ran("Bind", info.scheduler_name, now - asked)
            measures.attempted("scheduled", info.scheduler_name, now - began)
            measures.scheduled(pod.attempts, now - pod.since)
            self._record(info, "Normal", "Scheduled", "Binding", f"Successfully assigned {info.key} to {node}")
        finally:
            self._bindings.release()
            measures.binding(-1)

    async def _unschedulable(self, pod: QueuedPod, profile: Profile, decision: Decision) -> None:
        info, diagnosis = pod.info, decision.diagnosis
        snapshot = self.cache.snapshot
        victims, nominated = None, info.nominated_node
        if profile.preempts and snapshot.count:
            waits = bool(eligible(info, snapshot))
            ahead = self.nominator.ahead_of(info)
            began = clock.monotonic()
            victims = preempt(snapshot, info, profile, diagnosis, self._budgets.list(), ahead)
            ended = "Success" if victims is not None else "Unschedulable"
            measures.ran("PostFilter", profile.scheduler_name, clock.monotonic() - began, ended)
            if victims is not None:
                nominated = victims.node
            elif not waits:
                nominated = ""
            self.nominator.put(info, nominated)
            measures.preempted(None if victims is None else len(victims.pods))
        message = diagnosis.message(snapshot.count)
        # without nodes nothing has rejected the pod: whatever node comes is worth a try
        self.queue.failed(pod, diagnosis.plugins or {"NodeName"})
        self._record(info, "Warning", "FailedScheduling", "Scheduling", message)
        try:
            if victims is not None:
                await self._evict(info, victims)
            await self._set_condition(info, message, nominated)
        except (StatusError, TransportError) as error:
            log.warning("%s: its status was not written: %s", info.key, error)

    async def _evict(self, pod: PodInfo, victims: Victims) -> None:
        """Asks the victims to go; the pod is tried again when they have gone."""
        for outdone in self.nominator.outdone(pod, victims.node):
            self.nominator.remove(outdone.pod.uid)
            changes: Object = {"status": {"nominatedNodeName": None}}
            await self._patch_status(outdone.pod, changes)
        for victim in victims.pods:
            name, namespace = victim.pod["metadata"]["name"], victim.namespace
            told = f"Preempted by pod {pod.uid} on node {victims.node}"
            self._record(victim, "Normal", "Preempted", "Preempting", told, related=pod.pod)
            condition = {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "PreemptionByScheduler",
                "message": f"{pod.scheduler_name}: preempting to accommodate a higher priority pod",
                "lastTransitionTime": format_time(clock.now()),
                **meta.observed_generation(victim.pod),
            }
            try:
                status = {"status": {"conditions": [condition]}}
                await self._client.patch(PODS, name, status, namespace, type="strategic", subresource="status")
                await self._client.delete(PODS, name, namespace, uid=victim.uid)
            except StatusError as error:
                if error.code != 404:
                    raise

    async def _set_condition(self, pod: PodInfo, message: str, nominated: str) -> None:
        if changes := unscheduled(pod.pod, message, nominated, clock.now()):
            await self._patch_status(pod, {"status": changes})

    async def _patch_status(self, pod: PodInfo, changes: Object) -> None:
        name = pod.pod["metadata"]["name"]
        await self._client.patch(PODS, name, changes, pod.namespace, type="strategic", subresource="status")

    def _record(
        self, pod: PodInfo, type: str, reason: str, action: str, message: str, *, related: Object | None = None
    ) -> None:
        recorder = self._recorders.get(pod.scheduler_name) or next(iter(self._recorders.values()))
        recorder.event(pod.pod, type, reason, message, action=action, related=related)

    def _gate(self, pod: PodInfo) -> str:
        profile = self._profiles[pod.scheduler_name]
        return next((why for plugin in profile.gates if (why := plugin.gate(pod))), "")

    # -- the informers' events

    def _ours(self, pod: Object) -> bool:
        return (pod["spec"].get("schedulerName") or "default-scheduler") in self._profiles

    def _pod_added(self, pod: Object) -> None:
        if is_finished(pod):
            return
        if pod["spec"].get("nodeName"):
            self.cache.put_pod(pod)
            self.nominator.remove(meta.uid(pod))
            self.queue.delete(meta.uid(pod))
            self.queue.happened({ClusterEvent.POD_ADD})
        elif self._ours(pod) and not meta.is_deleting(pod):
            info = pod_info(pod)
            self.nominator.put(info, info.nominated_node)
            self.queue.add(info)

    def _pod_updated(self, old: Object, new: Object) -> None:
        if is_finished(new):
            self._pod_deleted(new)
        elif new["spec"].get("nodeName"):
            self._assigned(old, new)
        elif not self._ours(new) or self.cache.is_assumed(meta.uid(new)):
            return
        elif meta.is_deleting(new):
            self._pod_deleted(new)
        else:
            info = pod_info(new)
            self.nominator.update(pod_info(old), info)
            changed = any(old[part] != new[part] for part in ("spec",)) or meta.labels(old) != meta.labels(new)
            self.queue.update(info, scheduling_changed=changed)

    def _assigned(self, old: Object, new: Object) -> None:
        """A pod on a node: only what plugins read makes a difference."""
        came = not old["spec"].get("nodeName")
        same = old["spec"] == new["spec"] and meta.labels(old) == meta.labels(new)
        if came or not same or meta.is_deleting(old) != meta.is_deleting(new):
            self.cache.put_pod(new)
            self.queue.happened({ClusterEvent.POD_ADD if came else ClusterEvent.POD_UPDATE})
        if came:
            self.nominator.remove(meta.uid(new))
            self.queue.delete(meta.uid(new))

    def _pod_deleted(self, pod: Object) -> None:
        uid = meta.uid(pod)
        self.queue.delete(uid)
        freed = self.nominator.remove(uid)
        if uid in self.cache:
            self.cache.remove_pod(uid)
            freed = True
        if freed:
            self.queue.happened({ClusterEvent.POD_DELETE})

    def _node_put(self, node: Object) -> None:
        self.queue.happened(self.cache.put_node(node))

    def _node_deleted(self, node: Object) -> None:
        self.cache.remove_node(meta.name(node))

    def _namespace_put(self, namespace: Object) -> None:
        self.cache.snapshot.namespace_labels[meta.name(namespace)] = meta.labels(namespace)
        self.queue.happened({ClusterEvent.NAMESPACE})

    def _namespace_gone(self, namespace: Object) -> None:
        self.cache.snapshot.namespace_labels.pop(meta.name(namespace), None)


def binding(pod: PodInfo, node: str) -> Object:
    """The Binding of a pod to a node; the uid guards against a pod of the same name made meanwhile."""
    metadata = {"name": pod.pod["metadata"]["name"], "namespace": pod.namespace, "uid": pod.uid}
    return {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": metadata,
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }


def unscheduled(pod: Object, message: str, nominated: str, now: datetime) -> Object:
    """What changes in the status of a pod that found no node, `nominated` being the one that it waits for."""
    status = pod.get("status") or {}
    current = meta.get_condition(status.get("conditions") or [], "PodScheduled") or {}
    wanted: Object = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    wanted |= meta.observed_generation(pod)
    changes: Object = {}
    if any(current.get(field) != value for field, value in wanted.items()):
        transition = current.get("lastTransitionTime") if current.get("status") == "False" else None
        changes["conditions"] = [wanted | {"lastTransitionTime": transition or format_time(now)}]
    if nominated != (status.get("nominatedNodeName") or ""):
        changes["nominatedNodeName"] = nominated or None
    return changes
