"""Table columns of the group."""

from pynetes.apimachinery.meta import is_condition_true
from pynetes.apimachinery.times import human_duration, parse_time
from pynetes.apis.cells import NONE, UNSET, at, count, field, template_columns
from pynetes.apis.resource import AGE, NAME, Column, Object, age_since, schema_text
from pynetes.component import clock

_BEFORE_DELETION = (("Complete", "Complete"), ("Failed", "Failed"))
_AFTER_DELETION = ("Suspended", "FailureTarget", "SuccessCriteriaMet")


def _is_true(job: Object, kind: str) -> bool:
    return is_condition_true(at(job, "status", "conditions"), kind)


def _status(job: Object) -> str:
    for kind, text in _BEFORE_DELETION:
        if _is_true(job, kind):
            return text
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return next((kind for kind in _AFTER_DELETION if _is_true(job, kind)), "Running")


def _completions(job: Object) -> str:
    succeeded = at(job, "status", "succeeded") or 0
    completions, parallelism = at(job, "spec", "completions"), at(job, "spec", "parallelism") or 0
    if completions is not None:
        return f"{succeeded}/{completions}"
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(job: Object) -> str:
    start, end = at(job, "status", "startTime"), at(job, "status", "completionTime")
    if not start:
        return ""
    until = parse_time(end) if end else clock.now()
    return human_duration((until - parse_time(start)).total_seconds())


JOB = (
    NAME,
    Column("Status", _status, description="Status of the job."),
    Column("Completions", _completions, description=schema_text("batch.v1.JobStatus.succeeded")),
    Column("Duration", _duration, description="Time required to complete the job."),
    AGE,
    *template_columns("spec", "template", selector=("spec.selector", "batch.v1.JobSpec.selector")),
)


def _suspend(cron_job: Object) -> str:
    value = at(cron_job, "spec", "suspend")
    return UNSET if value is None else str(bool(value))


def _last_schedule(cron_job: Object) -> str:
    last = at(cron_job, "status", "lastScheduleTime")
    return age_since(last) if last else NONE


_SPEC = "batch.v1.CronJobSpec."
CRON_JOB = (
    NAME,
    Column("Schedule", field("spec", "schedule"), description=schema_text(_SPEC + "schedule")),
    Column("Timezone", field("spec", "timeZone", default=NONE), description=schema_text(_SPEC + "timeZone")),
    Column("Suspend", _suspend, "boolean", description=schema_text(_SPEC + "suspend")),
    Column("Active", count("status", "active"), "integer", description=schema_text("batch.v1.CronJobStatus.active")),
    Column("Last Schedule", _last_schedule, description=schema_text("batch.v1.CronJobStatus.lastScheduleTime")),
    AGE,
    *template_columns(
        "spec",
        "jobTemplate",
        "spec",
        "template",
        selector=("spec.jobTemplate.spec.selector", "batch.v1.JobSpec.selector"),
    ),
)
