"""The specification of a ResourceSlice: where its devices can be used, and each device."""

from pynetes.apimachinery import names
from pynetes.apis.core.scheduling_validation import validate_node_selector
from pynetes.apis.dra.configuration import validate_binding, validate_taint
from pynetes.apis.dra.device_validation import validate_attribute, validate_capacity
from pynetes.apis.dra.names_validation import (
    MAX_LABEL,
    MAX_QUALIFIED_NAME,
    validate_driver_name,
    validate_keyed,
    validate_list,
    validate_pool_name,
    validate_qualified_name,
    validate_unique,
)
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_MAX_DEVICES = 128
_MAX_ADVANCED_DEVICES = 64
_MAX_COUNTER_SETS = 8
_MAX_COUNTERS = 32
_MAX_CONSUMPTIONS = 2
_MAX_TAINTS = 16
_MAX_ENTRIES = 32
_MAX_VALUES = 48
_WHERE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_PER_DEVICE = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to "
    "true in the ResourceSlice spec"
)
_NOT_PER_DEVICE = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the "
    "ResourceSlice spec"
)
_UNSET_OR_TRUE = "must be either unset or set to true"


def validate_slice(found: FieldErrors, spec: Object, old: Object | None) -> None:
    validate_driver_name(found, spec.get("driver") or "", "spec.driver")
    _pool(found, spec.get("pool") or {}, "spec.pool")
    if old is not None:
        pools = [each.get("pool") or {} for each in (spec, old)]
        found.immutable("spec.pool.name", *(pool.get("name") or "" for pool in pools))
        found.immutable("spec.driver", *(each.get("driver") or "" for each in (spec, old)))
        found.immutable("spec.nodeName", *(each.get("nodeName") for each in (spec, old)))
    _where(found, spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        found.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    _devices(found, spec, old)
    counter_sets = spec.get("sharedCounters") or []
    validate_unique(found, counter_sets, _MAX_COUNTER_SETS, _counter_set, "spec.sharedCounters", _name)


def _name(item: Object) -> str:
    return item.get("name") or ""


def _pool(found: FieldErrors, pool: Object, path: str) -> None:
    validate_pool_name(found, pool.get("name") or "", f"{path}.name")
    count, generation = pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    if count <= 0:
        found.invalid(f"{path}.resourceSliceCount", count, "must be greater than zero")
    if generation < 0:
        found.invalid(f"{path}.generation", generation, "must be greater than or equal to zero")


def _where(found: FieldErrors, spec: Object) -> None:
    given = []
    node, selector = spec.get("nodeName"), spec.get("nodeSelector")
    if node:
        given.append("`nodeName`")
        found.rule("spec.nodeName", node, names.dns1123_subdomain)
    elif node is not None:
        found.invalid("spec.nodeName", node, "must be either unset or set to a non-empty string")
    if selector is not None:
        given.append("`nodeSelector`")
        validate_node_selector(found, selector, "spec.nodeSelector")
        terms = selector.get("nodeSelectorTerms") or []
        if len(terms) != 1:
            detail = "must have exactly one node selector term"
            found.invalid("spec.nodeSelector.nodeSelectorTerms", selector.get("nodeSelectorTerms"), detail)
    for key in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(key):
            given.append(f"`{key}`")
        elif spec.get(key) is not None:
            found.invalid(f"spec.{key}", False, _UNSET_OR_TRUE)
    if not given:
        found.required("spec", _WHERE)
    elif len(given) > 1:
        found.invalid("spec", f"{{{', '.join(given)}}}", f"{_WHERE}, but multiple fields are set")


def _devices(found: FieldErrors, spec: Object, old: Object | None) -> None:
    devices = spec.get("devices") or []
    earlier = {_name(device): device for device in (old or {}).get("devices") or ()}
    advanced = any(device.get("taints") or device.get("consumesCounters") for device in devices)
    per_device = bool(spec.get("perDeviceNodeSelection"))

    def device(found: FieldErrors, device: Object, path: str) -> None:
        _device(found, device, earlier.get(_name(device)), per_device, path)

    maximum = _MAX_ADVANCED_DEVICES if advanced else _MAX_DEVICES
    validate_unique(found, devices, maximum, device, "spec.devices", _name)


def _device(found: FieldErrors, device: Object, old: Object | None, per_device: bool, path: str) -> None:
    found.rule(f"{path}.name", _name(device), names.dns1123_label)
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    entries = len(attributes) + len(capacity)
    if entries > _MAX_ENTRIES:
        detail = f"the total number of attributes and capacities must not exceed {_MAX_ENTRIES}"
        found.invalid(path, entries, detail)
    if len(attributes) > _MAX_VALUES:
        found.invalid(path, len(attributes), f"the total number of attribute values must not exceed {_MAX_VALUES}")
    shared = bool(device.get("allowMultipleAllocations"))

    def check_capacity(found: FieldErrors, capacity: Object, path: str) -> None:
        validate_capacity(found, capacity, shared, path)

    shown = MAX_QUALIFIED_NAME
    own = f"{path}.attributes"
    validate_keyed(found, attributes, validate_qualified_name, validate_attribute, own, shown=shown)
    own = f"{path}.capacity"
    validate_keyed(found, capacity, validate_qualified_name, check_capacity, own, shown=shown)
    taints = device.get("taints") or []
    if old is None or not semantic_equal(old.get("taints"), taints):
        validate_list(found, taints, _MAX_TAINTS, validate_taint, f"{path}.taints")
    consumed = device.get("consumesCounters") or []
    own = f"{path}.consumesCounters"
    validate_unique(found, consumed, _MAX_CONSUMPTIONS, _consumption, own, lambda each: each.get("counterSet") or "")
    if per_device:
        _device_where(found, device, path)
    elif any(device.get(key) is not None for key in ("nodeName", "nodeSelector", "allNodes")):
        found.invalid(path, None, _NOT_PER_DEVICE)
    validate_binding(found, device, path)


def _device_where(found: FieldErrors, device: Object, path: str) -> None:
    given = []
    node, selector, everywhere = (device.get(key) for key in ("nodeName", "nodeSelector", "allNodes"))
    if node:
        given.append("`nodeName`")
        found.rule(f"{path}.nodeName", node, names.dns1123_subdomain)
    elif node is not None:
        found.invalid(f"{path}.nodeName", node, "must not be empty")
    if selector is not None:
        given.append("`nodeSelector`")
        validate_node_selector(found, selector, f"{path}.nodeSelector")
    if everywhere:
        given.append("`allNodes`")
    elif everywhere is not None:
        found.invalid(f"{path}.allNodes", False, _UNSET_OR_TRUE)
    if not given:
        found.required(path, _PER_DEVICE)
    elif len(given) > 1:
        found.invalid(path, f"{{{', '.join(given)}}}", _PER_DEVICE)


def _counter_set(found: FieldErrors, counter_set: Object, path: str) -> None:
    found.required_rule(f"{path}.name", counter_set.get("name"), names.dns1123_label)
    _counters(found, counter_set, path)


def _consumption(found: FieldErrors, consumption: Object, path: str) -> None:
    found.required_rule(f"{path}.counterSet", consumption.get("counterSet"), names.dns1123_label)
    _counters(found, consumption, path)


def _counters(found: FieldErrors, holder: Object, path: str) -> None:
    counters, own = holder.get("counters") or {}, f"{path}.counters"
    if found.present(own, counters):
        validate_keyed(found, counters, _label, _anything, own, maximum=_MAX_COUNTERS, shown=MAX_LABEL)


def _label(found: FieldErrors, key: str, path: str) -> None:
    found.rule(path, key, names.dns1123_label)


def _anything(found: FieldErrors, value: Object, path: str) -> None:
    """Every quantity is a counter."""
