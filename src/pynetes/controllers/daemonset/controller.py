"""daemonset-controller: reads pods and nodes, asks `plan`, writes."""

import asyncio
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.selectors import LabelSelector
from pynetes.apis.names import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from pynetes.client.events import NORMAL, WARNING
from pynetes.client.ratelimiter import ExponentialFailures
from pynetes.component import clock
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.daemonset import placement, plan
from pynetes.controllers.daemonset.plan import Plan, PodsByNode
from pynetes.controllers.history.history import History, RevisionCollision
from pynetes.controllers.podcontrol import batch, state
from pynetes.controllers.podcontrol.claims import Claimer
from pynetes.controllers.podcontrol.control import PodControl
from pynetes.controllers.podcontrol.dependents import expected, selector_of
from pynetes.controllers.podcontrol.expectations import TIMEOUT, Expectations
from pynetes.controllers.podcontrol.podindex import PodIndex

Object = dict[str, Any]

BURST = 250


class DaemonSetController(BaseController):
    """Runs DaemonSets' pods on every node that fits."""

    name = "daemonset-controller"
    queue_name = "daemonset"
    account = "daemon-set-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_daemonset_syncs)
        self.recorder = context.recorder(self.account, "daemonset-controller")
        self.control = PodControl(self.client, self.recorder)
        self.expectations = Expectations()
        self.daemon_sets = self.informer(DAEMON_SETS)
        self.daemon_sets.add_handler(self.enqueue, self.enqueue_update, self._deleted)
        self.history = History(self.client, self.informer(CONTROLLER_REVISIONS), placement.HASH_LABEL)
        self.pods = PodIndex(self.informer(PODS))
        expected(self.expectations, self.daemon_sets, "DaemonSet", self.enqueue).follow(self.pods.informer)
        self.nodes = self.informer(NODES)
        self.nodes.add_handler(lambda node: self._enqueue_all(), self._node_updated, lambda node: self._enqueue_all())
        self._failures: ExponentialFailures[tuple[str, str]] = ExponentialFailures(1.0, 900.0)
        self._retry_at: dict[tuple[str, str], float] = {}

    # -- what the informers say

    def _deleted(self, daemon_set: Object) -> None:
        key = meta.key(daemon_set)
        self.expectations.forget(key)
        for entry in [entry for entry in self._retry_at if entry[0] == key]:
            del self._retry_at[entry]
            self._failures.forget(entry)
        self.enqueue(daemon_set)

    def _enqueue_all(self) -> None:
        for daemon_set in self.daemon_sets.list():
            self.enqueue(daemon_set)

    def _node_updated(self, old: Object, new: Object) -> None:
        taints = [(node.get("spec") or {}).get("taints") or [] for node in (old, new)]
        if meta.labels(old) == meta.labels(new) and taints[0] == taints[1]:
            return
        for daemon_set in self.daemon_sets.list():
            if placement.should_run(daemon_set, old) != placement.should_run(daemon_set, new):
                self.enqueue(daemon_set)

    # -- sync

    async def sync(self, key: str) -> None:
        daemon_set = self.daemon_sets.get(key)
        if daemon_set is None:
            self.expectations.forget(key)
            return
        if daemon_set["spec"].get("selector") == {}:
            text = "This daemon set is selecting all pods. A non-empty selector is required."
            self.recorder.event(daemon_set, WARNING, "SelectingAll", text)
            return
        if meta.is_deleting(daemon_set):
            return
        selector = selector_of(daemon_set)
        revision, old = await self._revisions(daemon_set, selector)
        hash_ = meta.labels(revision)[self.history.hash_label]
        nodes = self.nodes.list()
        pods = plan.by_node(await self._claim(daemon_set, selector))
        if self.expectations.satisfied(key):
            step = plan.manage(daemon_set, nodes, pods, hash_, clock.now())
            await self._carry_out(key, daemon_set, step, hash_)
            if self.expectations.satisfied(key) and plan.is_rolling(daemon_set):
                # What was just created may be in the cache by now; without it its node would not count as unavailable.
                pods = plan.by_node(await self._claim(daemon_set, selector))
                step = plan.update(daemon_set, nodes, pods, hash_, clock.now())
                await self._carry_out(key, daemon_set, step, hash_)
            live = {meta.labels(p).get(placement.HASH_LABEL, "") for present in pods.values() for p in present}
            await self.history.trim(daemon_set, old, live)
        await self._write_status(key, daemon_set, nodes, pods, hash_)

    async def _revisions(self, daemon_set: Object, selector: LabelSelector) -> tuple[Object, list[Object]]:
        try:
            known = await self.history.of(daemon_set, selector, lambda: self._fresh(daemon_set))
            return await self.history.current(daemon_set, known)
        except RevisionCollision:
            status = daemon_set.get("status") or {}
            bumped = {**status, "collisionCount": (status.get("collisionCount") or 0) + 1}
            await self.client.update_status(DAEMON_SETS, {**daemon_set, "status": bumped})
            raise

    async def _fresh(self, daemon_set: Object) -> Object:
        return await self.client.get(DAEMON_SETS, meta.name(daemon_set), meta.namespace(daemon_set))

    async def _claim(self, daemon_set: Object, selector: LabelSelector) -> list[Object]:
        claimer = Claimer(self.client, PODS, daemon_set, lambda: self._fresh(daemon_set))
        return await claimer.claim(selector, self.pods.candidates(daemon_set))

    async def _carry_out(self, key: str, daemon_set: Object, step: Plan, hash_: str) -> None:
        create = step.create[:BURST]
        delete = (step.delete + self._finished(key, daemon_set, step))[:BURST]
        if not create and not delete:
            return
        self.expectations.expect(key, len(create), [meta.key(pod) for pod in delete])
        self.queue.add_after(key, TIMEOUT + 1)
        waiting = iter(create)

        async def create_next() -> None:
            try:
                await self.control.create(placement.pod_for(daemon_set, next(waiting), hash_), daemon_set)
            except StatusError as error:
                if not has_cause(error, NAMESPACE_TERMINATING):
                    raise
                self.expectations.creation_observed(key)

        successes, failure = await batch.slow_start(len(create), create_next)
        for _ in range(len(create) - successes):
            self.expectations.creation_observed(key)
        errors = await asyncio.gather(*(self._delete(key, pod, daemon_set) for pod in delete))
        for error in (failure, *errors):
            if error is not None:
                raise error

    async def _delete(self, key: str, pod: Object, daemon_set: Object) -> Exception | None:
        try:
            await self.control.delete(pod, daemon_set)
        except Exception as error:
            self.expectations.deletion_observed(key, meta.key(pod))
            return None if isinstance(error, StatusError) and error.code == 404 else error
        return None

    def _finished(self, key: str, daemon_set: Object, step: Plan) -> list[Object]:
        """Finished pods to delete now; one that failed again on its node waits, from 1 s to 15 minutes."""
        out = []
        for pod in step.succeeded:
            where = f"{meta.key(pod)} on node {placement.target_node(pod)}"
            text = f"Found succeeded daemon pod {where}, will try to delete it"
            self.recorder.event(daemon_set, NORMAL, "SucceededDaemonPod", text)
            out.append(pod)
        now = clock.monotonic()
        for pod in step.failed:
            node = placement.target_node(pod) or ""
            wait = self._retry_at.get((key, node), 0.0) - now
            if wait > 0:
                self.queue.add_after(key, wait)
                continue
            self._retry_at[key, node] = now + self._failures.when((key, node))
            text = f"Found failed daemon pod {meta.key(pod)} on node {node}, will try to kill it"
            self.recorder.event(daemon_set, WARNING, "FailedDaemonPod", text)
            out.append(pod)
        return out

    async def _write_status(
        self, key: str, daemon_set: Object, nodes: list[Object], pods: PodsByNode, hash_: str
    ) -> None:
        now = clock.now()
        new = plan.status(daemon_set, nodes, pods, hash_, now)
        if new != (daemon_set.get("status") or {}):
            await self.client.update_status(DAEMON_SETS, {**daemon_set, "status": new})
        min_ready = daemon_set["spec"].get("minReadySeconds") or 0
        if min_ready:
            listed = [pod for present in pods.values() for pod in present]
            wait = state.seconds_until_available(listed, min_ready, now)
            if wait is not None:
                self.queue.add_after(key, wait + 0.05)
