"""The Job controller's metrics, under upstream's names."""

from typing import Any

from pynetes.component import metrics
from pynetes.controllers.job import indexes, pods

Object = dict[str, Any]

_SYNC = ("completion_mode", "result", "action")
_SECONDS = metrics.histogram(
    "job_controller_job_sync_duration_seconds",
    "The time it took to sync a job",
    _SYNC,
    buckets=metrics.exponential(0.004, 2, 15),
)
_SYNCS = metrics.counter("job_controller_job_syncs_total", "The number of job syncs", _SYNC)
_FINISHED = metrics.counter(
    "job_controller_jobs_finished_total", "The number of finished jobs", ("completion_mode", "result", "reason")
)
_PODS = metrics.counter(
    "job_controller_job_pods_finished_total",
    "The number of finished Pods that are fully tracked",
    ("completion_mode", "result"),
)


def synced(job: Object, action: str, result: str, seconds: float) -> None:
    """`action`: reconciling, tracking, pods_created or pods_deleted; `result`: success or error."""
    _SECONDS.labels(_mode(job), result, action).observe(seconds)
    _SYNCS.labels(_mode(job), result, action).inc()


def finished(job: Object, result: str, reason: str) -> None:
    """`result`: succeeded or failed."""
    _FINISHED.labels(_mode(job), result, reason).inc()


def counted(job: Object, status: Object) -> None:
    """What a new status counts more than the Job's."""
    old = job.get("status") or {}
    for result, before, now in (
        ("succeeded", _succeeded(job, old), _succeeded(job, status)),
        ("failed", old.get("failed") or 0, status.get("failed") or 0),
    ):
        _PODS.labels(_mode(job), result).inc(max(0, now - before))


def _succeeded(job: Object, status: Object) -> int:
    """Those of indexes that a Job no longer has do not count."""
    if pods.is_indexed(job):
        return len(indexes.parse(status.get("completedIndexes"), job["spec"].get("completions") or 0))
    return status.get("succeeded") or 0


def _mode(job: Object) -> str:
    return "Indexed" if pods.is_indexed(job) else "NonIndexed"
