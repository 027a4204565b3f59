"""CronJob."""

import re
import zoneinfo

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.batch import schedule
from pynetes.apis.batch.job import default_job_template_spec, job_spec_warnings
from pynetes.apis.batch.job_validation import validate_job_spec
from pynetes.apis.core.container_defaults import default_if_empty
from pynetes.apis.core.disabled_pod_fields import disabled_in
from pynetes.apis.core.replication_controller import name_warnings
from pynetes.apis.field_errors import FieldErrors, shown_selector
from pynetes.apis.strategy import CHANGE, Object, Strategy

# Jobs are named after the CronJob plus eleven characters.
MAX_NAME = 52
_POLICIES = ("Allow", "Forbid", "Replace")
_ZONE_PART = re.compile(r"[A-Za-z._0-9+-]{1,14}", re.ASCII)


class CronJobStrategy(Strategy):
    status_metadata = frozenset()
    update_metadata = CHANGE
    has_status = True
    maintains_generation = True

    drop_disabled_fields = staticmethod(disabled_in("spec", "jobTemplate", "spec", "template"))

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_if_empty(spec, concurrencyPolicy="Allow")
        for field, value in (("suspend", False), ("successfulJobsHistoryLimit", 3), ("failedJobsHistoryLimit", 1)):
            if spec.get(field) is None:
                spec[field] = value
        template = spec.setdefault("jobTemplate", {})
        template.setdefault("metadata", {})
        default_job_template_spec(template.setdefault("spec", {}))

    def validate(self, obj: Object) -> list[FieldError]:
        found = _validate_spec(obj["spec"], None)
        name = obj["metadata"].get("name") or ""
        if len(name) > MAX_NAME:
            found.invalid("metadata.name", name, f"must be no more than {MAX_NAME} characters")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_spec(obj["spec"], old["spec"])

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        found = [] if old else name_warnings(obj)
        if old is None or old["metadata"].get("generation") != obj["metadata"].get("generation"):
            found += job_spec_warnings(obj["spec"]["jobTemplate"]["spec"], "spec.jobTemplate.spec")
        if old is not None and "TZ" in (obj["spec"].get("schedule") or ""):
            found.append(
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
                "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            )
        return found


def _validate_spec(spec: Object, old: Object | None) -> FieldErrors:
    found = FieldErrors()
    if found.present("spec.schedule", spec.get("schedule")):
        _schedule(found, spec, old)
    found.non_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    if old is None or old.get("timeZone") != spec.get("timeZone"):
        _time_zone(found, spec.get("timeZone"), "spec.timeZone")
    found.one_of("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), _POLICIES)
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    validate_job_spec(found, job, "spec.jobTemplate.spec")
    if job.get("selector") is not None:
        found.invalid(
            "spec.jobTemplate.spec.selector", shown_selector(job["selector"]), "`selector` will be auto-generated"
        )
    if job.get("manualSelector"):
        found.not_supported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false"))
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        found.non_negative(f"spec.{field}", spec.get(field))
    return found


def _schedule(found: FieldErrors, spec: Object, old: Object | None) -> None:
    text, had_zone = spec["schedule"], "TZ" in ((old or {}).get("schedule") or "")
    try:
        schedule.parse(text)
    except ValueError as error:
        found.invalid("spec.schedule", text, str(error))
    if "TZ" not in text:
        return
    if not had_zone:
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        found.invalid("spec.schedule", text, detail)
    elif spec.get("timeZone") is not None:
        detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        found.invalid("spec.schedule", text, detail)


def _time_zone(found: FieldErrors, zone: str | None, path: str) -> None:
    if zone is None:
        return
    if not zone:
        found.invalid(path, zone, "timeZone must be nil or non-empty string")
        return
    unknown = f"unknown time zone {zone}"
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part):
            found.invalid(path, zone, unknown)
            return
    if zone.lower() == "local":
        detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        found.invalid(path, zone, detail)
    elif not _is_zone(zone):
        found.invalid(path, zone, unknown)


def _is_zone(zone: str) -> bool:
    try:
        zoneinfo.ZoneInfo(zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True
