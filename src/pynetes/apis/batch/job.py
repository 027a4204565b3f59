"""Job."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.batch.job_status_validation import validate_job_status
from pynetes.apis.batch.job_validation import validate_job, validate_job_update
from pynetes.apis.core.disabled_pod_fields import disabled_in
from pynetes.apis.core.pod_spec_defaults import default_pod_template
from pynetes.apis.core.pod_warnings import template_warnings
from pynetes.apis.core.replication_controller import name_warnings
from pynetes.apis.strategy import METADATA_FIELDS, Object, Strategy

LEGACY_CONTROLLER_UID = "controller-uid"
CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
LEGACY_JOB_NAME = "job-name"
JOB_NAME = "batch.kubernetes.io/job-name"
_MAX_INT32 = 2**31 - 1
_HIGH_COMPLETIONS = 100_000
_HIGH_PARALLELISM = 10_000


def default_job_spec(spec: Object) -> None:
    """For Jobs; templates of CronJobs get only `default_job_template_spec`."""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = 6 if spec.get("backoffLimitPerIndex") is None else _MAX_INT32
    if spec.get("completionMode") is None:
        spec["completionMode"] = "NonIndexed"
    if spec.get("podReplacementPolicy") is None:
        spec["podReplacementPolicy"] = "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed"
    for field in ("suspend", "manualSelector"):
        if spec.get(field) is None:
            spec[field] = False


def default_job_template_spec(spec: Object) -> None:
    default_pod_template(spec.setdefault("template", {}))
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"


class JobStrategy(Strategy):
    has_status = True
    maintains_generation = True
    default_deletion_propagation = "Orphan"
    deletion_warning = (
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or "
        "set propagationPolicy=Orphan to suppress this warning"
    )
    selectable = METADATA_FIELDS | {"status.successful"}
    not_selectable = 'field label "{}" not supported for Job'

    drop_disabled_fields = staticmethod(disabled_in("spec", "template"))

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_job_spec(spec)
        default_job_template_spec(spec)
        _default_labels(obj)

    def prepare_for_create(self, obj: Object) -> None:
        """Name and uid are settled by now: the selector is made of them."""
        super().prepare_for_create(obj)
        if not obj["spec"].get("manualSelector"):
            labels = (obj["spec"]["template"].get("metadata") or {}).get("labels")
            shared = labels and obj["metadata"].get("labels") is labels
            _generate_selector(obj)
            if shared:
                obj["metadata"]["labels"] = copy(labels)

    def canonicalize(self, obj: Object) -> None:
        """Those that a template has only for the selector are not judged as the Job's."""
        _default_labels(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        return validate_job(obj)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return [*validate_job(obj, old), *validate_job_update(obj, old)]

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_job_status(obj, old)

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        if old is not None and old["metadata"].get("generation") == obj["metadata"].get("generation"):
            return []
        return ([] if old else name_warnings(obj)) + job_spec_warnings(obj["spec"], "spec")

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        succeeded = (obj.get("status") or {}).get("succeeded") or 0
        return super().selectable_fields(obj) | {"status.successful": str(succeeded)}


def job_spec_warnings(spec: Object, path: str) -> list[str]:
    found = []
    completions, parallelism = spec.get("completions") or 0, spec.get("parallelism") or 0
    indexed = spec.get("completionMode") == "Indexed"
    if indexed and completions > _HIGH_COMPLETIONS and parallelism > _HIGH_PARALLELISM:
        found.append(
            "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
            "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        )
    return found + template_warnings(spec.get("template"), f"{path}.template")


def _default_labels(job: Object) -> None:
    """A Job without labels has those of its template: they are one map, so that a new one has the labels as well that
    its selector is made of."""
    labels = (job["spec"]["template"].get("metadata") or {}).get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = labels


def _generate_selector(job: Object) -> None:
    metadata, template = job["metadata"], job["spec"]["template"]
    name, uid = metadata.get("name") or "", metadata.get("uid") or ""
    own = template.setdefault("metadata", {})
    if own.get("labels") is None:
        own["labels"] = {}
    for keys, value in (((LEGACY_JOB_NAME, JOB_NAME), name), ((LEGACY_CONTROLLER_UID, CONTROLLER_UID), uid)):
        for key in keys:
            own["labels"].setdefault(key, value)
    selector = job["spec"]["selector"] = job["spec"].get("selector") or {}
    if selector.get("matchLabels") is None:
        selector["matchLabels"] = {}
    selector["matchLabels"].setdefault(CONTROLLER_UID, uid)
