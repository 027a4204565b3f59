"""StatefulSet."""

from typing import Any

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.apps.workload import (
    validate_collisions,
    validate_counts,
    validate_selector,
    validate_template,
    workload_warnings,
)
from pynetes.apis.core.container_defaults import default_if_empty
from pynetes.apis.core.disabled_pod_fields import disabled_in
from pynetes.apis.core.persistent_volume_claim_validation import claim_size_warnings, validate_claim_spec
from pynetes.apis.core.pod_spec_defaults import default_pod_template
from pynetes.apis.core.volume_defaults import default_claim_spec
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.int_or_percent import magnitude, validate_at_most_100_percent, validate_int_or_percent
from pynetes.apis.strategy import CHANGE, Object, Strategy

_UPDATABLE = frozenset(
    (
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    )
)
_FORBIDDEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_RETENTION = ("Retain", "Delete")
_COUNTS = (
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "observedGeneration",
    "collisionCount",
)
_HISTORY_WARNING = (
    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
)


_drop_in_template = disabled_in("spec", "template")


def _drop_disabled(obj: Object, old: Object | None) -> None:
    _drop_in_template(obj, old)
    rolling, before = ((_updating(each) or {}).get("rollingUpdate") or {} for each in (obj, old))
    if before.get("maxUnavailable") is None:
        rolling.pop("maxUnavailable", None)


def _updating(obj: Object | None) -> Object | None:
    return ((obj or {}).get("spec") or {}).get("updateStrategy")


class StatefulSetStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True
    maintains_generation = True
    name_rule = staticmethod(names.dns1123_label)

    drop_disabled_fields = staticmethod(_drop_disabled)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_if_empty(spec, podManagementPolicy="OrderedReady")
        update = spec["updateStrategy"] = spec.get("updateStrategy") or {}
        if not update.get("type"):
            update["type"] = "RollingUpdate"
            if update.get("rollingUpdate") is None:
                update["rollingUpdate"] = {}
        rolling = update.get("rollingUpdate")
        if update["type"] == "RollingUpdate" and rolling is not None and rolling.get("partition") is None:
            rolling["partition"] = 0
        retention = spec["persistentVolumeClaimRetentionPolicy"] = (
            spec.get("persistentVolumeClaimRetentionPolicy") or {}
        )
        default_if_empty(retention, whenDeleted="Retain", whenScaled="Retain")
        for field, value in (("replicas", 1), ("revisionHistoryLimit", 10)):
            if spec.get(field) is None:
                spec[field] = value
        spec.setdefault("serviceName", "")
        default_pod_template(spec.setdefault("template", {}))
        for claim in spec.get("volumeClaimTemplates") or ():
            _default_claim(claim)

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
            validate_claim_spec(found, claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}].spec")
        if spec.get("serviceName"):
            found.rule("spec.serviceName", spec["serviceName"], names.dns1123_label)
        return found + _validate_spec(spec)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = _validate_spec(obj["spec"])
        new, before = _frozen(obj["spec"]), _frozen(old["spec"])
        if not semantic_equal(new, before):
            found.forbidden("spec", _FORBIDDEN)
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found, status = FieldErrors(), obj.get("status") or {}
        within = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
        validate_counts(found, status, _COUNTS, within, ready="status.readyReplicas")
        validate_collisions(found, status, old)
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        found = workload_warnings(obj, old, warn_of_name=False)
        for index, claim in enumerate(obj["spec"].get("volumeClaimTemplates") or ()):
            found += claim_size_warnings(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}]")
        if (obj["spec"].get("revisionHistoryLimit") or 0) < 0:
            found.append(_HISTORY_WARNING)
        return found


def _default_claim(claim: Object) -> None:
    claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"
    default_claim_spec(claim.setdefault("spec", {}))
    default_if_empty(claim.setdefault("status", {}), phase="Pending")


def _frozen(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if key not in _UPDATABLE}


def _validate_spec(spec: Object) -> FieldErrors:
    found = FieldErrors()
    management = spec.get("podManagementPolicy")
    if found.present("spec.podManagementPolicy", management) and management not in ("OrderedReady", "Parallel"):
        found.invalid("spec.podManagementPolicy", management, "must be 'OrderedReady' or 'Parallel'")
    _update_strategy(found, spec.get("updateStrategy") or {})
    for field in ("whenDeleted", "whenScaled"):
        policy = (spec.get("persistentVolumeClaimRetentionPolicy") or {}).get(field) or ""
        if policy not in _RETENTION:
            found.not_supported(f"spec.persistentVolumeClaimRetentionPolicy.{field}", policy, _RETENTION)
    found.non_negative("spec.replicas", spec.get("replicas"))
    found.non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    found.non_negative("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    selector = spec.get("selector")
    validate_selector(found, selector, "statefulset")
    template = _template_with_claims(spec)
    validate_template(found, template, selector, "StatefulSet", invalid_selector_detail=None)
    return found


def _template_with_claims(spec: Object) -> Object:
    """The template as pods will have it: with a volume for each claim, and host name and subdomain of its own."""
    template = dict(spec.get("template") or {})
    pod_spec: dict[str, Any] = {
        k: v for k, v in (template.get("spec") or {}).items() if k not in ("hostname", "subdomain")
    }
    claims = [(c.get("metadata") or {}).get("name") or "" for c in spec.get("volumeClaimTemplates") or ()]
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in dict.fromkeys(claims)]
    volumes += [v for v in pod_spec.get("volumes") or () if v.get("name") not in claims]
    if volumes:
        pod_spec["volumes"] = volumes
    template["spec"] = pod_spec
    return template


def _update_strategy(found: FieldErrors, update: Object) -> None:
    kind, rolling, path = update.get("type"), update.get("rollingUpdate"), "spec.updateStrategy"
    if not kind:
        found.required(path)
    elif kind == "OnDelete":
        if rolling is not None:
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            found.invalid(f"{path}.rollingUpdate", rolling, detail)
    elif kind != "RollingUpdate":
        shown = go_struct(update, Type="", RollingUpdate=None) or {}
        shown["RollingUpdate"] = go_struct(rolling, Partition=None, MaxUnavailable=None)
        found.invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")
    elif rolling is not None:
        found.non_negative(f"{path}.rollingUpdate.partition", rolling.get("partition"))
        unavailable, own = rolling.get("maxUnavailable"), f"{path}.rollingUpdate.maxUnavailable"
        if unavailable is not None:
            validate_int_or_percent(found, unavailable, own)
            if magnitude(unavailable) == 0:
                found.invalid(own, unavailable, "cannot be 0")
            validate_at_most_100_percent(found, unavailable, own)
