"""statefulset-controller: reads pods and revisions, asks `plan`, writes."""

import asyncio
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.selectors import LabelSelector
from pynetes.apis.names import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from pynetes.client.events import NORMAL, WARNING
from pynetes.component import clock
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.history import revisions
from pynetes.controllers.history.history import History, RevisionCollision
from pynetes.controllers.podcontrol import state
from pynetes.controllers.podcontrol.claims import Claimer
from pynetes.controllers.podcontrol.dependents import Dependents, selector_of, selects
from pynetes.controllers.podcontrol.podindex import PodIndex
from pynetes.controllers.podcontrol.writes import PendingWrites
from pynetes.controllers.statefulset import identity, plan
from pynetes.controllers.statefulset.claims import Claims

Object = dict[str, Any]

HASH_LABEL = "controller.kubernetes.io/hash"


class StatefulSetController(BaseController):
    """Brings StatefulSets' pods up, down and to new revisions, in order."""

    name = "statefulset-controller"
    queue_name = "statefulset"
    account = "statefulset-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_statefulset_syncs)
        self.recorder = context.recorder(self.account, "statefulset-controller")
        self.sets = self.informer(STATEFUL_SETS)
        self.sets.add_handler(self.enqueue, self.enqueue_update, self.enqueue)
        self.history = History(self.client, self.informer(CONTROLLER_REVISIONS), HASH_LABEL)
        self.claims = Claims(self.client, self.informer(PERSISTENT_VOLUME_CLAIMS), self.recorder)
        self.pods = PodIndex(self.informer(PODS))
        self.pending = PendingWrites()
        Dependents(
            self.sets,
            "StatefulSet",
            self.enqueue,
            selects=lambda owner, pod: identity.is_member(owner, pod) and selects(owner, pod),
            added=self._pod_seen,
            updated=self._pod_seen,
            deleted=lambda owner, pod: self.pending.gone(meta.key(owner), pod),
            until_gone=True,
        ).follow(self.pods.informer)

    def _pod_seen(self, owner: Object, pod: Object) -> None:
        self.pending.seen(meta.key(owner), pod)

    # -- sync

    async def sync(self, key: str) -> None:
        stateful_set = self.sets.get(key)
        if stateful_set is None:
            self.pending.forget(key)
            return
        if self.pending.is_stale(key):
            self.queue.add_after(key, 1.0)
            return
        selector = selector_of(stateful_set)
        pods = await self._claim(stateful_set, selector)
        known = await self.history.of(stateful_set, selector, lambda: self._fresh(stateful_set))
        update, old = await self._revision(stateful_set, known)
        present = (stateful_set.get("status") or {}).get("currentRevision")
        current = next((r for r in known if meta.name(r) == present), update)
        if not meta.is_deleting(stateful_set):
            await self._step(key, stateful_set, pods, current, update)
        now = clock.now()
        new = plan.status(stateful_set, pods, meta.name(current), meta.name(update), now)
        if new != (stateful_set.get("status") or {}):
            await self.client.update_status(STATEFUL_SETS, {**stateful_set, "status": new})
        live = {identity.revision_of(pod) for pod in pods} | {meta.name(current), meta.name(update)}
        await self.history.trim(stateful_set, old, live)
        min_ready = stateful_set["spec"].get("minReadySeconds") or 0
        if min_ready and (wait := state.seconds_until_available(pods, min_ready, now)) is not None:
            self.queue.add_after(key, wait + 0.05)

    async def _fresh(self, stateful_set: Object) -> Object:
        return await self.client.get(STATEFUL_SETS, meta.name(stateful_set), meta.namespace(stateful_set))

    async def _claim(self, stateful_set: Object, selector: LabelSelector) -> list[Object]:
        claimer = Claimer(self.client, PODS, stateful_set, lambda: self._fresh(stateful_set))
        candidates = [pod for pod in self.pods.candidates(stateful_set) if identity.is_member(stateful_set, pod)]
        return await claimer.claim(selector, candidates)

    async def _revision(self, stateful_set: Object, known: list[Object]) -> tuple[Object, list[Object]]:
        try:
            return await self.history.current(stateful_set, known)
        except RevisionCollision:
            status = stateful_set.get("status") or {}
            bumped = {**status, "collisionCount": (status.get("collisionCount") or 0) + 1}
            await self.client.update_status(STATEFUL_SETS, {**stateful_set, "status": bumped})
            raise

    async def _step(self, key: str, stateful_set: Object, pods: list[Object], current: Object, update: Object) -> None:
        templates = {meta.name(r): revisions.template_in(r) for r in (current, update)}
        step = plan.decide(stateful_set, pods, meta.name(current), meta.name(update), clock.now())
        for pod in pods:
            await self.claims.retain(stateful_set, pod)
            if state.phase(pod) == "Pending" and identity.ordinal(pod) in identity.ordinals(stateful_set):
                await self.claims.ensure(stateful_set, identity.ordinal(pod))
        for pod in step.repair:
            await self._repair(stateful_set, pod)
        work = [self._create(key, stateful_set, index, templates[name], name) for index, name in step.create]
        work += [self._delete(key, stateful_set, pod) for pod in step.delete]
        for outcome in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _create(self, key: str, stateful_set: Object, index: int, template: Object, revision: str) -> None:
        pod = identity.new_pod(stateful_set, template, revision, index)
        await self.claims.ensure(stateful_set, index)
        what = f"create Pod {meta.name(pod)} in StatefulSet {meta.name(stateful_set)}"
        try:
            created = await self.client.create(PODS, pod)
        except StatusError as error:
            if has_cause(error, NAMESPACE_TERMINATING):
                return
            if error.reason != "AlreadyExists":
                self.recorder.event(stateful_set, WARNING, "FailedCreate", f"{what} failed error: {error}")
            raise
        self._note(key, created)
        self.recorder.event(stateful_set, NORMAL, "SuccessfulCreate", f"{what} successful")

    async def _delete(self, key: str, stateful_set: Object, pod: Object) -> None:
        what = f"delete Pod {meta.name(pod)} in StatefulSet {meta.name(stateful_set)}"
        if state.is_terminal(pod):
            state_name = "Failed" if state.phase(pod) == "Failed" else "Terminated"
            kind = "Warning" if state_name == "Failed" else "Normal"
            verb = "failed" if state_name == "Failed" else "terminated"
            text = f"StatefulSet {key} is recreating {verb} Pod {meta.name(pod)}"
            self.recorder.event(stateful_set, kind, f"Recreating{state_name}Pod", text)
        try:
            left = await self.client.delete(PODS, meta.name(pod), meta.namespace(pod), uid=meta.uid(pod))
        except StatusError as error:
            if error.code == 404:
                return
            self.recorder.event(stateful_set, WARNING, "FailedDelete", f"{what} failed error: {error}")
            raise
        if left.get("kind") == "Pod" and meta.is_deleting(left):
            self._note(key, left)
        self.recorder.event(stateful_set, NORMAL, "SuccessfulDelete", f"{what} successful")

    async def _repair(self, stateful_set: Object, pod: Object) -> None:
        changed = meta.copy(pod)
        identity.set_identity(stateful_set, changed)
        identity.set_storage(stateful_set, changed)
        await self.claims.ensure(stateful_set, identity.ordinal(pod))
        await self.client.update(PODS, changed)

    def _note(self, key: str, pod: Object) -> None:
        """The cache must show this write before the next step is decided."""
        cached = self.pods.informer.get(meta.key(pod))
        if cached is None or int(meta.resource_version(cached)) < int(meta.resource_version(pod)):
            self.pending.wrote(key, pod)
