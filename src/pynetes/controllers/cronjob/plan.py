"""What a CronJob's controller does now: Jobs to create and delete, the status, and when to look again."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.apimachinery import times as wire
from pynetes.apis.batch import schedule as cron
from pynetes.controllers.cronjob import times

Object = dict[str, Any]

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MANY = 100


class Plan(Struct):
    status: Object
    create: datetime | None = None
    """The scheduled time of the Job to create."""
    stop: list[Object] = field(default_factory=list)
    """Running Jobs that the new one replaces."""
    delete: list[Object] = field(default_factory=list)
    """Finished Jobs beyond the history limits."""
    wait: float | None = None
    events: list[tuple[str, str, str]] = field(default_factory=list)


def outcome(job: Object) -> str | None:
    """Complete or Failed, for a finished Job."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] in ("Complete", "Failed") and condition.get("status") == "True":
            found: str = condition["type"]
            return found
    return None


def reference(job: Object) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "namespace": meta.namespace(job),
        "name": meta.name(job),
        "uid": meta.uid(job),
        "resourceVersion": meta.resource_version(job),
    }


def decide(cron_job: Object, jobs: list[Object], now: datetime) -> Plan:
    """`jobs` are those that the CronJob controls."""
    spec = cron_job["spec"]
    plan = Plan(meta.copy(cron_job.get("status") or {}))
    _follow_jobs(cron_job, jobs, plan)
    _trim_history(spec, jobs, plan)
    if meta.is_deleting(cron_job) or spec.get("suspend"):
        return plan
    try:
        parsed, where = cron.parse(spec["schedule"]), times.zone(spec.get("timeZone"))
    except ValueError as error:
        if "time zone" in str(error):
            plan.events.append(("Warning", "UnknownTimeZone", f'invalid timeZone: "{spec["timeZone"]}": {error}'))
        else:
            plan.events.append(
                ("Warning", "UnparseableSchedule", f'unparseable schedule: "{spec["schedule"]}" : {error}')
            )
        return plan
    _schedule(cron_job, jobs, parsed, where, now, plan)
    return plan


def _follow_jobs(cron_job: Object, jobs: list[Object], plan: Plan) -> None:
    """The list of running Jobs, and the time of the last success."""
    status = plan.status
    active = {ref["uid"]: ref for ref in status.get("active") or ()}
    present = {meta.uid(job): job for job in jobs}
    for job in jobs:
        uid, ended = meta.uid(job), outcome(job)
        if ended is None:
            if uid not in active and not meta.is_deleting(job):
                _note_untracked(job, active, plan)
            continue
        if active.pop(uid, None) is not None:
            text = f"Saw completed job: {meta.name(job)}, condition: {ended}"
            plan.events.append(("Normal", "SawCompletedJob", text))
        completed = (job.get("status") or {}).get("completionTime")
        if ended == "Complete" and completed and completed > (status.get("lastSuccessfulTime") or ""):
            status["lastSuccessfulTime"] = completed
    for uid in [uid for uid in active if uid not in present]:
        name = active.pop(uid)["name"]
        plan.events.append(("Normal", "MissingJob", f"Active job went missing: {name}"))
    status.pop("active", None)
    if active:
        status["active"] = list(active.values())


def _note_untracked(job: Object, active: dict[str, Object], plan: Plan) -> None:
    """A scheduled Job is the controller's own, made just before it ended itself; others are somebody's by hand."""
    if SCHEDULED_AT in meta.annotations(job):
        active[meta.uid(job)] = reference(job)
        return
    text = f"Saw a job that the controller did not create or forgot: {meta.name(job)}"
    plan.events.append(("Warning", "UnexpectedJob", text))


def _trim_history(spec: Object, jobs: list[Object], plan: Plan) -> None:
    for ended, limit in (
        ("Complete", spec.get("successfulJobsHistoryLimit")),
        ("Failed", spec.get("failedJobsHistoryLimit")),
    ):
        if limit is None:
            continue
        finished = sorted((job for job in jobs if outcome(job) == ended), key=_start)
        plan.delete += finished[: max(0, len(finished) - limit)]


def _start(job: Object) -> tuple[str, str]:
    return (job.get("status") or {}).get("startTime") or meta.creation_time(job), meta.name(job)


def _schedule(
    cron_job: Object, jobs: list[Object], parsed: cron.Schedule, where: Any, now: datetime, plan: Plan
) -> None:
    spec = cron_job["spec"]
    deadline = spec.get("startingDeadlineSeconds")
    since = wire.parse_time(plan.status.get("lastScheduleTime") or meta.creation_time(cron_job))
    if deadline is not None:
        since = max(since, now - timedelta(seconds=deadline))
    following = times.following(parsed, now, where)
    plan.wait = None if following is None else (following - now).total_seconds() + 0.1
    due, count = times.latest(parsed, since, now, where, most=MANY)
    if due is None:
        return
    if count > MANY:
        text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        plan.events.append(("Warning", "TooManyMissedTimes", text))
    if deadline is not None and due + timedelta(seconds=deadline) < now:
        text = f"Missed scheduled time to start a job: {wire.format_time(due)}"
        plan.events.append(("Warning", "MissSchedule", text))
        return
    policy = spec.get("concurrencyPolicy") or "Allow"
    running = plan.status.get("active") or []
    if policy == "Forbid" and running:
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        plan.events.append(("Normal", "JobAlreadyActive", text))
        return
    if policy == "Replace":
        uids = {ref["uid"] for ref in running}
        plan.stop = [job for job in jobs if meta.uid(job) in uids]
    plan.create = due


def job_name(cron_job: Object, scheduled: datetime) -> str:
    """The minute of the epoch makes the name unique and repeatable: a Job is not made twice."""
    return f"{meta.name(cron_job)[:52]}-{int(scheduled.timestamp()) // 60}"


def new_job(cron_job: Object, scheduled: datetime, where: Any) -> Object:
    template = cron_job["spec"]["jobTemplate"]
    source = template.get("metadata") or {}
    stamp = wire.format_time(scheduled)
    if cron_job["spec"].get("timeZone"):
        stamp = scheduled.astimezone(where).isoformat()
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(cron_job, scheduled),
            "namespace": meta.namespace(cron_job),
            "labels": dict(source.get("labels") or {}),
            "annotations": {**(source.get("annotations") or {}), SCHEDULED_AT: stamp},
            "ownerReferences": [meta.owner_reference(cron_job)],
        },
        "spec": meta.copy(template["spec"]),
    }
