"""ttl-after-finished-controller: deletes Jobs some time after they ended, as their ttlSecondsAfterFinished says."""

from datetime import datetime, timedelta
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import JOBS
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]


def seconds_left(job: Object, now: datetime) -> float | None:
    """Until a Job is to be deleted; None if it is not (yet) to be."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None or meta.is_deleting(job):
        return None
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] in ("Complete", "Failed") and condition.get("status") == "True":
            ended = times.parse_time(condition["lastTransitionTime"])
            return (ended + timedelta(seconds=ttl) - now).total_seconds()
    return None


class TTLAfterFinishedController(BaseController):
    """Waits, looks at the Job once more, and deletes it with its pods."""

    name = "ttl-after-finished-controller"
    queue_name = "ttl_jobs_to_delete"
    account = "ttl-after-finished-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_ttl_after_finished_syncs)
        self.jobs = self.informer(JOBS)
        self.jobs.add_handler(self._seen, lambda old, new: self._seen(new))

    def _seen(self, job: Object) -> None:
        if seconds_left(job, clock.now()) is not None:
            self.enqueue(job)

    async def sync(self, key: str) -> None:
        cached = self.jobs.get(key)
        left = seconds_left(cached, clock.now()) if cached is not None else None
        if cached is None or left is None:
            return
        if left > 0:
            self.queue.add_after(key, left)
            return
        try:
            fresh = await self.client.get(JOBS, meta.name(cached), meta.namespace(cached))
            left = seconds_left(fresh, clock.now())
            if left is None or left > 0:
                return  # its time was changed: the informer will say so
            await self.client.delete(
                JOBS,
                meta.name(fresh),
                meta.namespace(fresh),
                propagation_policy="Foreground",
                uid=meta.uid(fresh),
                resource_version=meta.resource_version(fresh),
            )
        except StatusError as error:
            if error.code != 404:
                raise
