"""Node. Kubelets create it with its status, and label and annotate it through the status subresource."""

import re

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.core.container_defaults import default_resource_list
from pynetes.apis.core.resource_names import validate_resource_value
from pynetes.apis.core.scheduling_validation import EFFECTS
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.strategy import Object, Strategy

_MAX_FEATURE = 253
_FEATURE = re.compile(r"[A-Z][A-Za-z0-9]*(/[A-Za-z0-9]+)*")
_FEATURE_RULE = (
    "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or "
    "MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
)
_ONLY_ONCE = 'node updates may not change {} except from "" to valid'


class NodeStrategy(Strategy):
    has_status = True
    selectable = frozenset(("metadata.name", "spec.unschedulable"))

    def default(self, obj: Object) -> None:
        spec, status = obj.setdefault("spec", {}), obj.setdefault("status", {})
        # podCIDR is podCIDRs[0] for clients that know of one.
        if spec.get("podCIDR") and (spec.get("podCIDRs") or [""])[0] != spec["podCIDR"]:
            spec["podCIDRs"] = [spec["podCIDR"]]
        elif spec.get("podCIDRs") and not spec.get("podCIDR"):
            spec["podCIDR"] = spec["podCIDRs"][0]
        if status.get("allocatable") is None and status.get("capacity") is not None:
            status["allocatable"] = copy(status["capacity"])
        for field in ("capacity", "allocatable"):
            default_resource_list(status.get(field))

    def prepare_for_create(self, obj: Object) -> None:
        status = obj.get("status")
        super().prepare_for_create(obj)
        obj["status"] = status or {}
        obj["spec"].pop("configSource", None)
        obj["status"].pop("config", None)

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)
        if not (old.get("spec") or {}).get("configSource"):
            obj["spec"].pop("configSource", None)

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_status_update(obj, old)
        if (old.get("status") or {}).get("config") is None:
            (obj.get("status") or {}).pop("config", None)

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        _taints(found, obj["spec"].get("taints") or [])
        _amounts(found, obj.get("status") or {})
        cidrs = obj["spec"].get("podCIDRs") or []
        networks = [found.cidr(f"spec.podCIDRs[{index}]", cidr) for index, cidr in enumerate(cidrs)]
        wrong = next((index for index, network in enumerate(networks) if network is None), None)
        if len(cidrs) > 1 and wrong is not None:
            why = f"invalid CIDR[{wrong}]: <nil> (invalid CIDR address: {cidrs[wrong]})"
            problem = f"invalid PodCIDRs. failed to check with dual stack with error:{why}"
            found.internal("spec.podCIDRs", problem)
        if len(cidrs) > 1 and (len(cidrs) > 2 or len({n.version for n in networks if n}) != 2):
            found.invalid("spec.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return [*self.validate(obj), *_validate_change(obj, old)]

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_change(obj, old)

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        found = []
        if (obj.get("spec") or {}).get("configSource") is not None:
            found.append("spec.configSource: the feature is removed")
        if (obj.get("spec") or {}).get("externalID"):
            found.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
        return found

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        unschedulable = bool((obj.get("spec") or {}).get("unschedulable"))
        return {
            "metadata.name": obj["metadata"].get("name") or "",
            "spec.unschedulable": "true" if unschedulable else "false",
        }


def _features(found: FieldErrors, features: list[str], path: str) -> None:
    for index, feature in enumerate(features):
        if feature in features[:index]:
            found.duplicate(f"{path}[{index}]", feature)
        if len(feature) > _MAX_FEATURE:
            detail = f'invalid feature name "{feature}": must be no more than {_MAX_FEATURE} characters'
            found.invalid(f"{path}[{index}]", feature, detail)
        elif not _FEATURE.fullmatch(feature):
            found.invalid(f"{path}[{index}]", feature, f'invalid feature name "{feature}": {_FEATURE_RULE}')


def _validate_change(node: Object, old: Object) -> FieldErrors:
    found = FieldErrors()
    _amounts(found, node.get("status") or {})
    seen: list[Object] = []
    for index, address in enumerate((node.get("status") or {}).get("addresses") or ()):
        if address in seen:
            found.duplicate(f"status.addresses[{index}]", go_struct(address, Type="", Address=""))
        seen.append(address)
    _features(found, (node.get("status") or {}).get("declaredFeatures") or [], "status.declaredFeatures")
    new_spec, old_spec = node.get("spec") or {}, old.get("spec") or {}
    earlier = old_spec.get("podCIDRs") or []
    if earlier and earlier != (new_spec.get("podCIDRs") or []):
        found.forbidden("spec.podCIDRs", _ONLY_ONCE.format("podCIDR"))
    provider = old_spec.get("providerID")
    if provider and provider != new_spec.get("providerID"):
        found.forbidden("spec.providerID", _ONLY_ONCE.format("providerID"))
    _taints(found, new_spec.get("taints") or [])
    if (new_spec.get("externalID") or "") != (old_spec.get("externalID") or ""):
        found.forbidden("spec.externalID", "may not be updated")
    return found


def _taints(found: FieldErrors, taints: list[Object]) -> None:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        own = f"metadata.taints[{index}]"
        key, effect = taint.get("key") or "", taint.get("effect") or ""
        found.rule(f"{own}.key", key, names.qualified_name)
        messages = names.label_value(taint.get("value") or "")
        if messages:
            found.invalid(f"{own}.value", taint.get("value") or "", ";".join(messages))
        found.one_of(f"{own}.effect", effect, EFFECTS)
        if (key, effect) in seen:
            detail = "taints must be unique by key and effect pair"
            shown = go_struct(taint, Key="", Value="", Effect="", TimeAdded=None)
            found.append(FieldError("FieldValueDuplicate", own, shown, detail))
        seen.add((key, effect))


def _amounts(found: FieldErrors, status: Object) -> None:
    for field in ("capacity", "allocatable"):
        for name, value in (status.get(field) or {}).items():
            validate_resource_value(found, name, value, f"status.{field}.{name}")
