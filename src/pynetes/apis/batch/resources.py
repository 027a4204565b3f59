"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.batch.columns import CRON_JOB, JOB
from pynetes.apis.batch.cron_job import CronJobStrategy
from pynetes.apis.batch.job import JobStrategy
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("batch", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("CronJob"),
        "cronjobs",
        namespaced=True,
        strategy=CronJobStrategy(),
        columns=CRON_JOB,
        short_names=("cj",),
        categories=("all",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("Job"),
        "jobs",
        namespaced=True,
        strategy=JobStrategy(),
        columns=JOB,
        categories=("all",),
        subresources=(STATUS,),
    ),
)
