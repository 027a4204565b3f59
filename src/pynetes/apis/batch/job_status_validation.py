"""What a Job's status may say: whoever runs the Job (`managedBy`) must not contradict itself.

Rules hold for what an update changes; what was stored before stays acceptable.
"""

from typing import Any

from pynetes.apimachinery.errors import OMITTED
from pynetes.apimachinery.times import parse_time
from pynetes.apis.batch.indexes import first_overlap, parse_indexes
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
_CONDITIONS = "status.conditions"
_TERMINAL = ("Failed", "Complete", "FailureTarget")


class _Change:
    """Status before and after."""

    def __init__(self, job: Object, old: Object) -> None:
        self.spec: Object = job["spec"]
        self.new: Object = job.get("status") or {}
        self.old: Object = old.get("status") or {}

    def changed(self, field: str) -> bool:
        if field == "failedIndexes":  # an empty text is not the same as none
            return bool(self.new.get(field) != self.old.get(field))
        return not semantic_equal(self.new.get(field), self.old.get(field), field)

    def true(self, kind: str) -> bool:
        return _is_true(self.new, kind)

    def was_true(self, kind: str) -> bool:
        return _is_true(self.old, kind)

    def turned(self, *kinds: str) -> bool:
        return any(self.true(kind) != self.was_true(kind) for kind in kinds)

    @property
    def finished(self) -> bool:
        return self.true("Complete") or self.true("Failed")

    @property
    def finish_turned(self) -> bool:
        return self.finished != (self.was_true("Complete") or self.was_true("Failed"))


def _is_true(status: Object, kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True" for c in status.get("conditions") or ())


def validate_job_status(job: Object, old: Object) -> FieldErrors:
    found, change = FieldErrors(), _Change(job, old)
    for field in _COUNTS:
        found.non_negative(f"status.{field}", change.new.get(field))
    _uncounted(found, change)
    _conditions(found, change)
    _finished(found, change)
    _indexes(found, change)
    _history(found, change)
    return found


def _conflict(found: FieldErrors, detail: str) -> None:
    found.invalid(_CONDITIONS, OMITTED, detail)


def _uncounted(found: FieldErrors, change: _Change) -> None:
    pods = change.new.get("uncountedTerminatedPods") or {}
    seen: set[str] = set()
    for field in ("succeeded", "failed"):
        for index, uid in enumerate(pods.get(field) or ()):
            own = f"status.uncountedTerminatedPods.{field}[{index}]"
            if not uid:
                found.invalid(own, uid, "must not be empty")
            elif uid in seen:
                found.duplicate(own, uid)
            seen.add(uid)


def _conditions(found: FieldErrors, change: _Change) -> None:
    complete, failed, met, target = map(change.true, ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"))
    if complete and failed and change.turned("Complete", "Failed"):
        _conflict(found, "cannot set Complete=True and Failed=true conditions")
    if complete and target and change.turned("Complete", "FailureTarget"):
        _conflict(found, "cannot set Complete=True and FailureTarget=true conditions")
    _times(found, change)
    if failed and not target and (change.turned("Failed") or change.changed("failedIndexes")):
        _conflict(found, "cannot set Failed=True condition without the FailureTarget=true condition")
    if complete and not met and change.turned("Complete", "SuccessCriteriaMet"):
        _conflict(found, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition")
    if met and failed:
        _conflict(found, "cannot set SuccessCriteriaMet=True and Failed=true conditions")
    if met and target:
        _conflict(found, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions")
    if change.spec.get("successPolicy") is not None and not met and complete:
        _conflict(found, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True")


def _times(found: FieldErrors, change: _Change) -> None:
    start, end = change.new.get("startTime"), change.new.get("completionTime")
    complete = change.true("Complete")
    if change.turned("Complete") or change.changed("completionTime"):
        if end and not complete:
            detail = "cannot set completionTime when there is no Complete=True condition"
            found.invalid("status.completionTime", end, detail)
        if not end and complete:
            found.required("status.completionTime", "completionTime is required for Complete jobs")
    moved = change.changed("startTime") or change.changed("completionTime")
    if moved and start and end and parse_time(end) < parse_time(start):
        found.invalid("status.completionTime", end, "must be equal to or after `startTime`")


def _finished(found: FieldErrors, change: _Change) -> None:
    if not change.finished:
        _ready(found, change)
        return
    new, turned = change.new, change.finish_turned
    if (new.get("active") or 0) > 0 and (turned or change.changed("active")):
        found.invalid("status.active", new["active"], "active>0 is invalid for finished job")
    nothing_to_do = bool(change.spec.get("suspend")) and change.spec.get("completions") == 0
    if not new.get("startTime") and (turned or change.changed("startTime")) and not nothing_to_do:
        found.required("status.startTime", "startTime is required for finished job")
    pods = new.get("uncountedTerminatedPods") or {}
    uncounted = bool(pods.get("failed")) or bool(pods.get("succeeded"))
    if uncounted and (turned or change.changed("uncountedTerminatedPods")):
        found.invalid("status.uncountedTerminatedPods", pods, "must be empty for finished job")
    if (new.get("terminating") or 0) > 0 and (turned or change.changed("terminating")):
        found.invalid("status.terminating", new["terminating"], "terminating>0 is invalid for finished job")
    _ready(found, change)


def _ready(found: FieldErrors, change: _Change) -> None:
    ready = change.new.get("ready")
    touched = change.changed("ready") or change.changed("active")
    if ready is not None and touched and ready > (change.new.get("active") or 0):
        found.invalid("status.ready", ready, "cannot set more ready pods than active")


def _indexes(found: FieldErrors, change: _Change) -> None:
    completions = change.spec.get("completions")
    completed, failed = change.new.get("completedIndexes") or "", change.new.get("failedIndexes")
    for field, text in (("completedIndexes", completed), ("failedIndexes", failed)):
        if not change.changed(field) or completions is None or text is None:
            continue
        if field == "failedIndexes" and change.spec.get("backoffLimitPerIndex") is None:
            continue
        try:
            parse_indexes(text, completions)
        except ValueError as error:
            found.invalid(f"status.{field}", text, f"error parsing {field}: {error}")
    if completed and change.changed("completedIndexes") and change.spec.get("completionMode") != "Indexed":
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        found.invalid("status.completedIndexes", completed, detail)
    if failed is not None and change.changed("failedIndexes") and change.spec.get("backoffLimitPerIndex") is None:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        found.invalid("status.failedIndexes", failed, detail)
    touched = change.changed("failedIndexes") or change.changed("completedIndexes")
    if touched and completions is not None and failed is not None:
        overlap = first_overlap(completed, failed, completions)
        if overlap is not None:
            detail = f"failedIndexes and completedIndexes overlap at index: {overlap}"
            found.invalid("status.failedIndexes", failed, detail)


def _history(found: FieldErrors, change: _Change) -> None:
    new, old, spec = change.new, change.old, change.spec
    for kind in _TERMINAL:
        if change.was_true(kind) and not change.true(kind):
            _conflict(found, f"cannot disable the terminal {kind}=True condition")
    elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for field, kept in (("failed", True), ("succeeded", not elastic)):
        if kept and (new.get(field) or 0) < (old.get(field) or 0):
            found.invalid(f"status.{field}", new.get(field) or 0, f"cannot decrease the {field} counter")
    end, old_end = new.get("completionTime"), old.get("completionTime")
    if end and old_end and end != old_end:
        found.invalid("status.completionTime", end, "field is immutable")
    resuming = change.was_true("Suspended") and _is_false(new, "Suspended")
    if old.get("startTime") and change.changed("startTime") and not spec.get("suspend") and not resuming:
        detail = "field is immutable for unsuspended job once set"
        found.invalid("status.startTime", new.get("startTime"), detail)
    if change.was_true("SuccessCriteriaMet") and not change.true("SuccessCriteriaMet"):
        _conflict(found, "cannot disable the SuccessCriteriaMet=True condition")
    late = change.was_true("Complete") and not change.was_true("SuccessCriteriaMet")
    if late and change.true("SuccessCriteriaMet"):
        _conflict(found, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")


def _is_false(status: dict[str, Any], kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "False" for c in status.get("conditions") or ())
