"""cronjob-controller: asks `plan` at each scheduled time and whenever something changes."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery import times as wire
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CRON_JOBS, JOBS
from pynetes.client.events import NORMAL, WARNING
from pynetes.component import clock, metrics
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.cronjob import plan, times
from pynetes.controllers.podcontrol.writes import PendingWrites

Object = dict[str, Any]

OWNER_INDEX = "controller"
_SKEW = metrics.histogram(
    "cronjob_controller_job_creation_skew_duration_seconds",
    "Time between when a cronjob is scheduled to be run, and when the corresponding job is created",
    buckets=metrics.exponential(1, 2, 10),
)


class CronJobController(BaseController):
    """Creates Jobs on schedule, follows them, and keeps their history short."""

    name = "cronjob-controller"
    queue_name = "cronjob"
    account = "cronjob-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_cron_job_syncs)
        self.recorder = context.recorder(self.account, "cronjob-controller")
        self.pending = PendingWrites()
        self.cron_jobs = self.informer(CRON_JOBS)
        self.cron_jobs.add_handler(self._seen, lambda old, new: self._seen(new), self._deleted)
        self.jobs = self.informer(JOBS)
        self.jobs.add_index(OWNER_INDEX, _controller)
        self.jobs.add_handler(self._job_changed, lambda old, new: self._job_changed(new), self._job_changed)

    def _seen(self, cron_job: Object) -> None:
        self.pending.seen(meta.key(cron_job), cron_job)
        self.enqueue(cron_job)

    def _deleted(self, cron_job: Object) -> None:
        self.pending.forget(meta.key(cron_job))

    def _job_changed(self, job: Object) -> None:
        reference = meta.controller_of(job)
        if reference is not None and reference["kind"] == "CronJob":
            key = f"{meta.namespace(job)}/{reference['name']}"
            self.pending.seen(key, job)
            self.queue.add(key)

    async def sync(self, key: str) -> None:
        cron_job = self.cron_jobs.get(key)
        if cron_job is None:
            return
        if self.pending.is_stale(key):
            self.queue.add_after(key, 1.0)
            return
        step = plan.decide(cron_job, self.jobs.by_index(OWNER_INDEX, meta.uid(cron_job)), clock.now())
        for type, reason, message in step.events:
            self.recorder.event(cron_job, type, reason, message)
        for job in [*step.delete, *step.stop]:
            await self._delete(cron_job, job)
        if step.create is not None:
            await self._create(key, cron_job, step)
        if step.status != (cron_job.get("status") or {}):
            self._note(key, await self.client.update_status(CRON_JOBS, {**cron_job, "status": step.status}))
        if step.wait is not None:
            self.queue.add_after(key, step.wait)

    async def _create(self, key: str, cron_job: Object, step: plan.Plan) -> None:
        assert step.create is not None
        wanted = plan.new_job(cron_job, step.create, times.zone(cron_job["spec"].get("timeZone")))
        try:
            created = await self.client.create(JOBS, wanted)
        except StatusError as error:
            if has_cause(error, NAMESPACE_TERMINATING):
                return
            if error.reason != "AlreadyExists":
                self.recorder.event(cron_job, WARNING, "FailedCreate", f"Error creating job: {error}")
                raise
            created = await self.client.get(JOBS, meta.name(wanted), meta.namespace(wanted))
            if not meta.is_controlled_by(created, cron_job):
                raise
        else:
            self.recorder.event(cron_job, NORMAL, "SuccessfulCreate", f"Created job {meta.name(created)}")
            _SKEW.observe((wire.parse_time(meta.creation_time(created)) - step.create).total_seconds())
            if self.jobs.get(meta.key(created)) is None:
                self.pending.wrote(key, created)
        stopped = {meta.uid(job) for job in step.stop}
        running = [ref for ref in step.status.get("active") or () if ref["uid"] not in stopped]
        if plan.outcome(created) is None and all(ref["uid"] != meta.uid(created) for ref in running):
            running.append(plan.reference(created))
        step.status["active"] = running
        step.status["lastScheduleTime"] = wire.format_time(step.create)

    async def _delete(self, cron_job: Object, job: Object) -> None:
        try:
            await self.client.delete(
                JOBS, meta.name(job), meta.namespace(job), propagation_policy="Background", uid=meta.uid(job)
            )
        except StatusError as error:
            if error.code != 404:
                self.recorder.event(cron_job, WARNING, "FailedDelete", f"Deleted job: {error}")
                raise
            return
        self.recorder.event(cron_job, NORMAL, "SuccessfulDelete", f"Deleted job {meta.name(job)}")

    def _note(self, key: str, written: Object) -> None:
        cached = self.cron_jobs.get(key)
        if cached is None or int(meta.resource_version(cached)) < int(meta.resource_version(written)):
            self.pending.wrote(key, written)


def _controller(job: Object) -> list[str]:
    reference = meta.controller_of(job)
    return [reference["uid"]] if reference is not None and reference["kind"] == "CronJob" else []
