"""replicaset-controller and replicationcontroller-controller."""

import asyncio
from typing import Any, ClassVar

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.selectors import NOTHING, LabelSelector, from_set
from pynetes.apis.names import PODS, REPLICA_SETS, REPLICATION_CONTROLLERS
from pynetes.component import clock
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.podcontrol import batch, ranking, state
from pynetes.controllers.podcontrol.claims import Claimer
from pynetes.controllers.podcontrol.control import PodControl
from pynetes.controllers.podcontrol.dependents import expected, selector_of
from pynetes.controllers.podcontrol.expectations import TIMEOUT, Expectations
from pynetes.controllers.podcontrol.podindex import PodIndex
from pynetes.controllers.podcontrol.template import pod_from_template
from pynetes.controllers.replicaset import status

Object = dict[str, Any]

BURST_REPLICAS = 500
STATUS_RETRIES = 1


class ReplicaSetController(BaseController):
    """Creates and deletes pods so that as many as wanted match a ReplicaSet's selector."""

    name = "replicaset-controller"
    queue_name = "replicaset"
    account = "replicaset-controller"
    component: ClassVar[str] = "replicaset-controller"
    gvr: ClassVar[GroupVersionResource] = REPLICA_SETS
    kind: ClassVar[str] = "ReplicaSet"
    counts_terminating: ClassVar[bool] = True

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=self.concurrency(context))
        self.recorder = context.recorder(self.account, self.component)
        self.control = PodControl(self.client, self.recorder)
        self.expectations = Expectations()
        self.owners = self.informer(self.gvr)
        self.owners.add_index("controller", _controller_uid)
        self.owners.add_handler(self.enqueue, self._owner_updated, self._owner_deleted)
        self.pods = PodIndex(self.informer(PODS))
        dependents = expected(self.expectations, self.owners, self.kind, self.enqueue, selects=self._selects)
        dependents.follow(self.pods.informer)

    @staticmethod
    def concurrency(context: ControllerContext) -> int:
        return context.config.concurrent_replicaset_syncs

    def selector(self, owner: Object) -> LabelSelector:
        return selector_of(owner)

    # -- what the informers say

    def _owner_updated(self, old: Object, new: Object) -> None:
        if meta.uid(old) != meta.uid(new):
            self._owner_deleted(old)
        self.enqueue(new)

    def _owner_deleted(self, owner: Object) -> None:
        self.expectations.forget(meta.key(owner))
        self.enqueue(owner)

    def _selects(self, owner: Object, pod: Object) -> bool:
        selector = self.selector(owner)
        return not selector.empty and selector.matches(meta.labels(pod))

    # -- sync

    async def sync(self, key: str) -> None:
        owner = self.owners.get(key)
        if owner is None:
            self.expectations.forget(key)
            return
        may_write = self.expectations.satisfied(key)
        selector = self.selector(owner)
        pods = self.pods.candidates(owner)
        active = await self._claim(owner, selector, [pod for pod in pods if state.is_active(pod)])
        failure: Exception | None = None
        if may_write and not meta.is_deleting(owner):
            failure = await self._manage(key, owner, active)
        now = clock.now()
        terminating = self._terminating(owner, selector, pods)
        await self._write_status(owner, status.calculate(owner, active, terminating, failure, now))
        if failure is not None:
            raise failure
        min_ready = owner["spec"].get("minReadySeconds") or 0
        if min_ready:
            wait = state.seconds_until_available(active, min_ready, now)
            if wait is not None:
                self.queue.add_after(key, wait + 0.05)

    def _terminating(self, owner: Object, selector: LabelSelector, pods: list[Object]) -> int | None:
        if not self.counts_terminating:
            return None
        return sum(
            state.is_terminating(pod) and meta.is_controlled_by(pod, owner) and selector.matches(meta.labels(pod))
            for pod in pods
        )

    async def _claim(self, owner: Object, selector: LabelSelector, pods: list[Object]) -> list[Object]:
        name, namespace = meta.name(owner), meta.namespace(owner)
        claimer = Claimer(self.client, PODS, owner, lambda: self.client.get(self.gvr, name, namespace))
        return await claimer.claim(selector, pods)

    async def _manage(self, key: str, owner: Object, active: list[Object]) -> Exception | None:
        """Creates or deletes what the spec asks for; the first error, if any."""
        missing = status.replicas(owner) - len(active)
        if missing > 0:
            return await self._create(key, owner, min(missing, BURST_REPLICAS))
        if missing < 0:
            surplus = min(-missing, BURST_REPLICAS)
            return await self._delete(key, owner, ranking.choose(active, self._related(owner), surplus, clock.now()))
        return None

    async def _create(self, key: str, owner: Object, count: int) -> Exception | None:
        self.expectations.expect_creations(key, count)
        self.queue.add_after(key, TIMEOUT + 1)
        pod = pod_from_template(owner["spec"].get("template") or {}, owner)

        async def create() -> None:
            try:
                await self.control.create(pod, owner)
            except StatusError as error:
                if not has_cause(error, NAMESPACE_TERMINATING):
                    raise
                self.expectations.creation_observed(key)

        successes, error = await batch.slow_start(count, create)
        for _ in range(count - successes):
            self.expectations.creation_observed(key)
        return error

    async def _delete(self, key: str, owner: Object, pods: list[Object]) -> Exception | None:
        self.expectations.expect_deletions(key, [meta.key(pod) for pod in pods])
        self.queue.add_after(key, TIMEOUT + 1)
        errors: list[Exception] = []

        async def delete(pod: Object) -> None:
            try:
                await self.control.delete(pod, owner)
            except Exception as error:
                self.expectations.deletion_observed(key, meta.key(pod))
                if not (isinstance(error, StatusError) and error.code == 404):
                    errors.append(error)

        await asyncio.gather(*(delete(pod) for pod in pods))
        return errors[0] if errors else None

    def _related(self, owner: Object) -> list[Object]:
        """The pods of all that share this owner's controller: a rollout's old and new pods spread together."""
        reference = meta.controller_of(owner)
        owners = self.owners.by_index("controller", reference["uid"]) if reference else [owner]
        return [pod for other in owners for pod in self.pods.owned(other)]

    async def _write_status(self, owner: Object, new: Object) -> None:
        """One retry on a fresh copy, as upstream: the counts are what was just seen, whoever wrote in between."""
        if not status.differs(owner.get("status") or {}, new):
            return
        for attempt in range(STATUS_RETRIES + 1):
            try:
                await self.client.update_status(self.gvr, {**owner, "status": new})
                return
            except StatusError as error:
                if error.code != 409 or attempt == STATUS_RETRIES:
                    raise
            owner = await self.client.get(self.gvr, meta.name(owner), meta.namespace(owner))


class ReplicationControllerController(ReplicaSetController):
    """The same for ReplicationControllers, whose selector is a plain map."""

    name = "replicationcontroller-controller"
    queue_name = "replicationmanager"
    account = "replication-controller"
    component = "replication-controller"
    gvr = REPLICATION_CONTROLLERS
    kind = "ReplicationController"
    counts_terminating = False

    @staticmethod
    def concurrency(context: ControllerContext) -> int:
        return context.config.concurrent_rc_syncs

    def selector(self, owner: Object) -> LabelSelector:
        labels = owner["spec"].get("selector")
        return from_set(labels) if labels else NOTHING


def _controller_uid(obj: Object) -> list[str]:
    reference = meta.controller_of(obj)
    return [reference["uid"]] if reference else []
