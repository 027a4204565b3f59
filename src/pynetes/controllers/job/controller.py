"""job-controller: reads a Job's pods, asks `plan`, writes the status first and then the pods."""

import asyncio
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import JOBS, PODS
from pynetes.component import clock
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.job import measures, plan, pods
from pynetes.controllers.podcontrol import batch
from pynetes.controllers.podcontrol.claims import Claimer
from pynetes.controllers.podcontrol.control import PodControl
from pynetes.controllers.podcontrol.dependents import expected, selector_of
from pynetes.controllers.podcontrol.expectations import TIMEOUT, Expectations
from pynetes.controllers.podcontrol.podindex import PodIndex
from pynetes.controllers.podcontrol.writes import PendingWrites

Object = dict[str, Any]

CONTROLLER_NAME = "kubernetes.io/job-controller"
_ORPHAN = "orphan:"


class _Failures(Struct):
    """A Job's failures in a row, and when (monotonic) the last was seen."""

    count: int = 0
    at: float = 0.0


class JobController(BaseController):
    """Keys are Jobs, and `orphan:<pod>` for pods that still carry the finalizer of a Job that is gone."""

    name = "job-controller"
    queue_name = "job"
    account = "job-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_job_syncs)
        self.recorder = context.recorder(self.account, "job-controller")
        self.control = PodControl(self.client, self.recorder)
        self.expectations = Expectations()
        self.pending = PendingWrites()
        self.jobs = self.informer(JOBS)
        self.jobs.add_handler(self._job_seen, lambda old, new: self._job_seen(new), self._job_deleted)
        self.pods = PodIndex(self.informer(PODS))
        self.dependents = expected(self.expectations, self.jobs, "Job", self.enqueue, unowned=self._without_job)
        self.dependents.follow(self.pods.informer)
        self._failures: dict[str, _Failures] = {}

    # -- what the informers say

    def _job_seen(self, job: Object) -> None:
        self.pending.seen(meta.key(job), job)
        self.enqueue(job)

    def _job_deleted(self, job: Object) -> None:
        self.expectations.forget(meta.key(job))
        self.enqueue(job)
        for pod in self.pods.owned(job):
            self._enqueue_orphan(pod)

    def _without_job(self, pod: Object) -> None:
        reference = meta.controller_of(pod)
        if reference is None or reference["kind"] == "Job":
            self._enqueue_orphan(pod)

    def _enqueue_orphan(self, pod: Object) -> None:
        if pods.is_tracked(pod):
            self.queue.add(_ORPHAN + meta.key(pod))

    # -- sync

    async def sync(self, key: str) -> None:
        if key.startswith(_ORPHAN):
            await self._sync_orphan(key.removeprefix(_ORPHAN))
            return
        job = self.jobs.get(key)
        if job is None:
            self.expectations.forget(key)
            self.pending.forget(key)
            self._failures.pop(key, None)
            return
        if job["spec"].get("managedBy") not in (None, CONTROLLER_NAME):
            return
        if plan.is_finished(job):
            self._failures.pop(key, None)
            await self._release([pod for pod in self.pods.owned(job) if pods.is_tracked(pod)])
            return
        if self.pending.is_stale(key):
            self.queue.add_after(key, 1.0)
            return
        began, action, result = clock.monotonic(), "reconciling", "error"
        try:
            found = await self._claim(job)
            may_write = self.expectations.satisfied(key)
            step = self._decide(key, job, found, may_write)
            action = _action(step, may_write)
            await self._write_status(key, job, step)
            await self._release(step.release)
            await self._carry_out(key, job, found, step)
            result = "success"
        finally:
            measures.synced(job, action, result, clock.monotonic() - began)
        if step.wait is not None:
            self.queue.add_after(key, step.wait)

    def _decide(self, key: str, job: Object, found: list[Object], may_write: bool) -> plan.Plan:
        known = self._failures.get(key) or _Failures()
        delay = known.at + plan.backoff(known.count) - clock.monotonic() if known.count else 0.0
        return plan.decide(job, found, clock.now(), may_write=may_write, failures=known.count, delay=delay)

    async def _sync_orphan(self, key: str) -> None:
        pod = self.pods.informer.get(key)
        if pod is not None and self.dependents.owner(pod) is None:
            await self._release([pod] if pods.is_tracked(pod) else [])

    async def _claim(self, job: Object) -> list[Object]:
        name, namespace = meta.name(job), meta.namespace(job)
        claimer = Claimer(self.client, PODS, job, lambda: self.client.get(JOBS, name, namespace))
        return await claimer.claim(selector_of(job), self.pods.candidates(job))

    def _note_failures(self, key: str, step: plan.Plan) -> None:
        known = self._failures.setdefault(key, _Failures())
        if step.new_successes:
            known.count = 0
        if step.new_failures:
            known.count += step.new_failures
            known.at = clock.monotonic()

    async def _write_status(self, key: str, job: Object, step: plan.Plan) -> None:
        """Before any finalizer goes: what is not in the status would be lost."""
        if step.status == (job.get("status") or {}):
            return
        written = await self.client.update_status(JOBS, {**job, "status": step.status})
        self._note_failures(key, step)
        measures.counted(job, step.status)
        ended = plan.outcome(step.status)
        if ended is not None:
            measures.finished(job, "succeeded" if ended["type"] == "Complete" else "failed", ended["reason"])
        for type, reason, message in step.events:
            self.recorder.event(job, type, reason, message)
        cached = self.jobs.get(key)
        if cached is None or int(meta.resource_version(cached)) < int(meta.resource_version(written)):
            self.pending.wrote(key, written)

    async def _release(self, found: list[Object]) -> None:
        for outcome in await asyncio.gather(*(self._remove_finalizer(pod) for pod in found), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _remove_finalizer(self, pod: Object) -> None:
        metadata = {"uid": meta.uid(pod), "$deleteFromPrimitiveList/finalizers": [pods.FINALIZER]}
        try:
            await self.client.patch(PODS, meta.name(pod), {"metadata": metadata}, meta.namespace(pod), type="strategic")
        except StatusError as error:
            if error.code not in (404, 409, 422):
                raise

    async def _carry_out(self, key: str, job: Object, found: list[Object], step: plan.Plan) -> None:
        if not step.create and not step.drop and not step.kill:
            return
        if step.create or step.drop:
            self.expectations.expect(key, len(step.create), [meta.key(pod) for pod in step.drop])
            self.queue.add_after(key, TIMEOUT + 1)
        await self._release([pod for pod in step.drop if pods.is_tracked(pod)])
        errors = await asyncio.gather(*(self._delete(key, pod, job) for pod in [*step.drop, *step.kill]))
        waiting = iter(step.create)

        async def create_next() -> None:
            index = next(waiting)
            failures = 0 if index is None else plan.index_failures(job, found, index, clock.now())
            try:
                await self.control.create(pods.new_pod(job, index, failures), job)
            except StatusError as error:
                if not has_cause(error, NAMESPACE_TERMINATING):
                    raise
                self.expectations.creation_observed(key)

        successes, failure = await batch.slow_start(len(step.create), create_next)
        for _ in range(len(step.create) - successes):
            self.expectations.creation_observed(key)
        for error in (failure, *errors):
            if error is not None:
                raise error

    async def _delete(self, key: str, pod: Object, job: Object) -> Exception | None:
        try:
            await self.control.delete(pod, job)
        except Exception as error:
            self.expectations.deletion_observed(key, meta.key(pod))
            return None if isinstance(error, StatusError) and error.code == 404 else error
        return None


def _action(step: plan.Plan, may_write: bool) -> str:
    """What a sync does, as its metrics say."""
    if step.create:
        return "pods_created"
    if step.drop:
        return "pods_deleted"
    return "tracking" if may_write and not step.kill else "reconciling"
