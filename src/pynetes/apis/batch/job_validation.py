"""The spec of a Job, and what of it may change."""

from typing import Any

from pynetes.apimachinery import names, selectors
from pynetes.apimachinery.errors import OMITTED
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.batch.indexes import count, parse_indexes
from pynetes.apis.core.pod_template import validate_pod_template
from pynetes.apis.domain_path import validate_domain_prefixed_path
from pynetes.apis.field_errors import FieldErrors, go_struct, shown_selector
from pynetes.apis.strategy import Object

_LABELS = (
    ("controller-uid", "uid"),
    ("job-name", "name"),
    ("batch.kubernetes.io/controller-uid", "uid"),
    ("batch.kubernetes.io/job-name", "name"),
)
_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MAX_PARALLELISM = 100_000
_MAX_FAILED_INDEXES = 100_000
_SOFT_COMPLETIONS = 100_000
_HIGH_LIMIT = 10_000
_MAX_MANAGED_BY = 63
_MAX_FAILURE_RULES = 20
_MAX_EXIT_CODES = 255
_MAX_PATTERNS = 20
_MAX_SUCCESS_RULES = 20
_MAX_INDEXES_TEXT = 64 * 1024
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_IMMUTABLE = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def validate_job(job: Object, old: Object | None = None) -> FieldErrors:
    found, spec = FieldErrors(), job["spec"]
    _generated_selector(found, job, old)
    _whole_spec(found, spec)
    completions = spec.get("completions") or 0
    if spec.get("completionMode") == "Indexed" and completions > 0:
        name = job["metadata"].get("name") or ""
        last = f"{name}-{completions - 1}"
        if names.dns1123_label(last):
            found.invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {last}")
    return found


def _whole_spec(found: FieldErrors, spec: Object) -> None:
    validate_job_spec(found, spec, "spec")
    selector = spec.get("selector")
    labels = (spec["template"].get("metadata") or {}).get("labels")
    if selector is None:
        found.required("spec.selector")
    else:
        found += validate_label_selector(selector, "spec.selector")
    if not _matches(selector, labels or {}):
        shown = labels if labels is None else dict(sorted(labels.items()))
        found.invalid("spec.template.metadata.labels", shown, "`selector` does not match template `labels`")


def _matches(selector: Object | None, labels: dict[str, str]) -> bool:
    try:
        return selectors.from_label_selector(selector).matches(labels)
    except ValueError:
        return True  # said elsewhere


def _generated_selector(found: FieldErrors, job: Object, old: Object | None) -> None:
    spec, metadata = job["spec"], job["metadata"]
    if spec.get("manualSelector") or spec.get("selector") is None:
        return
    found.present("metadata.uid", metadata.get("uid"))
    wanted: tuple[tuple[str, str], ...] = _LABELS
    if old is not None:
        earlier = (old["spec"]["template"].get("metadata") or {}).get("labels") or {}
        if not all(key in earlier for key, _ in _LABELS[2:]):
            wanted = _LABELS[:2]  # made before the prefixed labels came
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    path = "spec.template.metadata.labels"
    for key, field in wanted:
        value = metadata.get(field) or ""
        if key not in labels:
            found.required(f"{path}[{key}]", f"must be '{value}'")
        elif labels[key] != value:
            found.invalid(f"{path}[{key}]", labels, f"must be '{value}'")
    expected = {key: metadata.get(field) or "" for key, field in wanted}
    if not _matches(spec["selector"], expected):
        found.invalid("spec.selector", shown_selector(spec["selector"]), "`selector` not auto-generated")


def validate_job_spec(found: FieldErrors, spec: Object, path: str) -> None:
    for field in _COUNTS:
        found.non_negative(f"{path}.{field}", spec.get(field))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        found.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    manager = spec.get("managedBy")
    if manager is not None:
        validate_domain_prefixed_path(found, manager, f"{path}.managedBy")
        if len(manager) > _MAX_MANAGED_BY:
            found.too_long(f"{path}.managedBy", _MAX_MANAGED_BY)
    mode = spec.get("completionMode")
    if mode not in (None, "NonIndexed", "Indexed"):
        found.not_supported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed":
        _indexed(found, spec, path)
    elif mode in (None, "NonIndexed"):
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(field) is not None:
                found.invalid(f"{path}.{field}", spec[field], "requires indexed completion mode")
    if spec.get("podFailurePolicy") is not None:
        _failure_policy(found, spec, f"{path}.podFailurePolicy")
    if spec.get("successPolicy") is not None:
        if mode == "Indexed":
            _success_policy(found, spec, f"{path}.successPolicy")
        else:
            found.invalid(
                f"{path}.successPolicy", _shown_policy(spec["successPolicy"]), "requires indexed completion mode"
            )
    _replacement_policy(found, spec, f"{path}.podReplacementPolicy")
    found += validate_pod_template(spec.get("template"), f"{path}.template")
    _restart_policy(found, spec, f"{path}.template.spec.restartPolicy")


def _shown_policy(policy: Object) -> Object:
    rules = policy.get("rules")
    shown = None if rules is None else [go_struct(each, SucceededIndexes=None, SucceededCount=None) for each in rules]
    return {"Rules": shown}


def _restart_policy(found: FieldErrors, spec: Object, path: str) -> None:
    policy = (spec["template"].get("spec") or {}).get("restartPolicy") or ""
    if policy in ("", "Always"):
        found.required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        found.not_supported(path, policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        found.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _indexed(found: FieldErrors, spec: Object, path: str) -> None:
    completions, parallelism, failed = spec.get("completions"), spec.get("parallelism"), spec.get("maxFailedIndexes")
    if completions is None:
        found.required(f"{path}.completions", "when completion mode is Indexed")
    if parallelism is not None and parallelism > _MAX_PARALLELISM:
        detail = f"must be less than or equal to {_MAX_PARALLELISM} when completion mode is Indexed"
        found.invalid(f"{path}.parallelism", parallelism, detail)
    if failed is not None:
        if completions is not None and failed > completions:
            found.invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions")
        if failed > _MAX_FAILED_INDEXES:
            detail = f"must be less than or equal to {_MAX_FAILED_INDEXES}"
            found.invalid(f"{path}.maxFailedIndexes", failed, detail)
    if (completions or 0) <= _SOFT_COMPLETIONS or spec.get("backoffLimitPerIndex") is None:
        return
    if failed is None:
        detail = f"must be specified when completions is above {_SOFT_COMPLETIONS}"
        found.required(f"{path}.maxFailedIndexes", detail)
    for field, value in (("parallelism", parallelism), ("maxFailedIndexes", failed)):
        if value is not None and value > _HIGH_LIMIT:
            detail = (
                f"must be less than or equal to {_HIGH_LIMIT} when completions are above {_SOFT_COMPLETIONS} and used "
                "with backoff limit per index"
            )
            found.invalid(f"{path}.{field}", value, detail)


def _replacement_policy(found: FieldErrors, spec: Object, path: str) -> None:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return
    allowed = ("Failed", "TerminatingOrFailed") if spec.get("podFailurePolicy") is None else ("Failed",)
    if policy not in allowed:
        found.not_supported(path, policy, allowed)


def _failure_policy(found: FieldErrors, spec: Object, path: str) -> None:
    rules = spec["podFailurePolicy"].get("rules") or []
    path = f"{path}.rules"
    if len(rules) > _MAX_FAILURE_RULES:
        found.too_many(path, len(rules), _MAX_FAILURE_RULES)
    pod = spec["template"].get("spec") or {}
    containers = {c.get("name") for field in ("containers", "initContainers") for c in pod.get(field) or ()}
    for index, rule in enumerate(rules):
        _failure_rule(found, spec, rule, containers, f"{path}[{index}]")


def _failure_rule(found: FieldErrors, spec: Object, rule: Object, containers: set[Any], path: str) -> None:
    action = rule.get("action") or ""
    if not action:
        found.required(f"{path}.action", 'valid values: ["Count" "FailIndex" "FailJob" "Ignore"]')
    elif action == "FailIndex":
        if spec.get("backoffLimitPerIndex") is None:
            found.invalid(f"{path}.action", action, "requires the backoffLimitPerIndex to be set")
    elif action not in _ACTIONS:
        found.not_supported(f"{path}.action", action, _ACTIONS)
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if codes is not None:
        _exit_codes(found, codes, containers, f"{path}.onExitCodes")
    if len(conditions) > _MAX_PATTERNS:
        found.too_many(f"{path}.onPodConditions", len(conditions), _MAX_PATTERNS)
    for index, pattern in enumerate(conditions):
        own = f"{path}.onPodConditions[{index}]"
        if pattern.get("type"):
            found.rule(f"{own}.type", pattern["type"], names.qualified_name)
        else:
            found.rule(f"{own}.type", "", names.qualified_name)
        status = pattern.get("status") or ""
        if not status:
            found.required(f"{own}.status", 'valid values: ["False" "True" "Unknown"]')
        elif status not in _STATUSES:
            found.not_supported(f"{own}.status", status, _STATUSES)
    if codes is not None and conditions:
        detail = "specifying both OnExitCodes and OnPodConditions is not supported"
        found.invalid(path, OMITTED, detail)
    if codes is None and not conditions:
        found.invalid(path, OMITTED, "specifying one of OnExitCodes and OnPodConditions is required")


def _exit_codes(found: FieldErrors, codes: Object, containers: set[Any], path: str) -> None:
    operator, name, values = codes.get("operator") or "", codes.get("containerName"), codes.get("values") or []
    if not operator:
        found.required(f"{path}.operator", 'valid values: ["In" "NotIn"]')
    elif operator not in _OPERATORS:
        found.not_supported(f"{path}.operator", operator, _OPERATORS)
    if name is not None and name not in containers:
        found.invalid(
            f"{path}.containerName", name, "must be one of the container or initContainer names in the pod template"
        )
    own = f"{path}.values"
    if not values:
        found.invalid(own, codes.get("values"), "at least one value is required")
    elif len(values) > _MAX_EXIT_CODES:
        found.too_many(own, len(values), _MAX_EXIT_CODES)
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            found.invalid(f"{own}[{index}]", value, "must not be 0 for the In operator")
        if value in values[:index]:
            found.duplicate(f"{own}[{index}]", value)
    if values != sorted(values):
        found.invalid(own, values, "must be ordered")


def _success_policy(found: FieldErrors, spec: Object, path: str) -> None:
    rules, completions = spec["successPolicy"].get("rules") or [], spec.get("completions") or 0
    path = f"{path}.rules"
    found.present(path, rules, "at least one rules must be specified when the successPolicy is specified")
    if len(rules) > _MAX_SUCCESS_RULES:
        found.too_many(path, len(rules), _MAX_SUCCESS_RULES)
    for index, rule in enumerate(rules):
        own = f"{path}[{index}]"
        indexes, wanted = rule.get("succeededIndexes"), rule.get("succeededCount")
        if indexes is None and wanted is None:
            found.required(own, "at least one of succeededCount or succeededIndexes must be specified")
        total = 0
        if indexes is not None:
            if len(indexes) > _MAX_INDEXES_TEXT:
                found.too_long(f"{own}.succeededIndexes", _MAX_INDEXES_TEXT)
            try:
                total = count(parse_indexes(indexes, completions))
            except ValueError as error:
                found.invalid(f"{own}.succeededIndexes", indexes, f"error parsing succeededIndexes: {error}")
        if wanted is None:
            continue
        found.non_negative(f"{own}.succeededCount", wanted)
        limit = "must be less than or equal to {} (the number of {})"
        if wanted > completions:
            detail = limit.format(completions, "specified completions")
            found.invalid(f"{own}.succeededCount", wanted, detail)
        if indexes is not None and wanted > total:
            detail = limit.format(total, "indexes in the specified succeededIndexes field")
            found.invalid(f"{own}.succeededCount", wanted, detail)


def validate_job_update(job: Object, old: Object) -> FieldErrors:
    found, spec, before = FieldErrors(), job["spec"], old["spec"]
    _whole_spec(found, spec)  # once more: clients see its errors twice
    _completions(found, spec, before)
    found.immutable("spec.selector", spec.get("selector"), before.get("selector"))
    template, earlier = spec["template"], before["template"]
    if _template_may_change(old):
        pods = template.get("spec") or {}
        found.immutable("spec.template.spec", pods, _with_mutable_parts(earlier.get("spec") or {}, pods))
    else:
        found.immutable("spec.template", template, earlier)
    for field in _IMMUTABLE:
        found.immutable(f"spec.{field}", spec.get(field), before.get(field))
    return found


def _completions(found: FieldErrors, spec: Object, before: Object) -> None:
    new, old = spec.get("completions"), before.get("completions")
    if spec.get("completionMode") != "Indexed":
        found.immutable("spec.completions", new, old)
    elif new is not None and new != old and new != spec.get("parallelism"):
        found.invalid("spec.completions", new, "can only be modified in tandem with spec.parallelism")


def _template_may_change(old: Object) -> bool:
    """While a Job is suspended and nothing of it runs, where and with what its pods run may be changed."""
    spec, status = old["spec"], old.get("status") or {}
    suspended = any(c.get("type") == "Suspended" and c.get("status") == "True" for c in status.get("conditions") or ())
    return bool(spec.get("suspend")) and (not status.get("startTime") or suspended) and not status.get("active")


def _with_mutable_parts(old: Object, new: Object) -> Object:
    """A pod's old spec with what may change as the new one has it."""
    out: Object = copy(old)
    for field in ("nodeSelector", "tolerations", "schedulingGates"):
        out[field] = new.get(field)
    out["affinity"] = _with_node_affinity(out.get("affinity"), new.get("affinity"))
    for field in ("containers", "initContainers"):
        mine, theirs = out.get(field) or [], new.get(field) or []
        if len(mine) == len(theirs):
            for container, changed in zip(mine, theirs, strict=True):
                if container.get("name") == changed.get("name"):
                    container["resources"] = changed.get("resources")
    return out


def _with_node_affinity(old: Object | None, new: Object | None) -> Object | None:
    if new is not None:
        return {**(old or {}), "nodeAffinity": new.get("nodeAffinity")}
    rest = {field: value for field, value in (old or {}).items() if field != "nodeAffinity"}
    return rest or None
