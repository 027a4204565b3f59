"""resource.k8s.io/v1: what may be asked for and offered."""

from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema import empties
from pynetes.apis.dra.claim_status_validation import validate_claim_status
from pynetes.apis.dra.device_class import DeviceClassStrategy
from pynetes.apis.dra.resource_claim import ResourceClaimStrategy
from pynetes.apis.dra.resource_slice import ResourceSliceStrategy
from pynetes.apis.field_errors import FieldErrors
from tests.apis.objects import Object, create_errors, created, texts, update_errors

REQUEST: Object = {"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}
POOL: Object = {"name": "pool", "generation": 1, "resourceSliceCount": 1}
NOT_A_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def _claim(**devices: Any) -> Object:
    return {"metadata": {"name": "a", "namespace": "ns"}, "spec": {"devices": {"requests": [REQUEST], **devices}}}


def _slice(*devices: Object, **spec: Any) -> Object:
    known = {"driver": "gpu.example.com", "pool": POOL, "allNodes": True, "devices": list(devices)}
    return {"metadata": {"name": "a"}, "spec": {**known, **spec}}


def _selector(expression: str) -> Object:
    return {"metadata": {"name": "a"}, "spec": {"selectors": [{"cel": {"expression": expression}}]}}


def _shared(**policy: Any) -> Object:
    capacity = {"memory": {"value": "8Gi", "requestPolicy": policy}}
    return {"name": "gpu", "allowMultipleAllocations": True, "capacity": capacity}


CLAIMS: dict[str, tuple[Object, str]] = {
    "the same request twice": (
        {"requests": [REQUEST, REQUEST]},
        'spec.devices.requests[1]: Duplicate value: "gpu"',
    ),
    "neither exactly nor alternatives": (
        {"requests": [{"name": "gpu"}]},
        "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
    ),
    "all of them, counted": (
        {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "a", "allocationMode": "All", "count": 2}}]},
        "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
    ),
    "a constraint on nobody's request": (
        {"constraints": [{"requests": ["nic"], "matchAttribute": "example.com/numa"}]},
        f'spec.devices.constraints[0].requests[0]: Invalid value: "nic": {NOT_A_REQUEST}',
    ),
    "an attribute without a domain": (
        {"constraints": [{"matchAttribute": "numa"}]},
        'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain '
        "and a name separated by a slash",
    ),
    "a configuration that is no object": (
        {"config": [{"opaque": {"driver": "gpu.example.com", "parameters": 5}}]},
        'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
    ),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_what_a_claim_cannot_ask_for(case: str) -> None:
    devices, error = CLAIMS[case]
    assert create_errors(ResourceClaimStrategy(), _claim(**devices)) == [error]


SLICES: dict[str, tuple[Object, str]] = {
    "nowhere": (
        _slice(allNodes=None),
        "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is "
        "required",
    ),
    "on a node and on all": (
        _slice(nodeName="n"),
        'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, '
        "`perDeviceNodeSelection` is required, but multiple fields are set",
    ),
    "a version that is none": (
        _slice({"name": "gpu", "attributes": {"driver": {"version": "1.2"}}}),
        'spec.devices[0].attributes[driver].version: Invalid value: "1.2": must be a string compatible with '
        "semver.org spec 2.0.0",
    ),
    "a share of a device for one": (
        _slice({"name": "gpu", "capacity": {"memory": {"value": "8Gi", "requestPolicy": {"default": "1Gi"}}}}),
        "spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true",
    ),
    "a step that never meets the most": (
        _slice(_shared(default="1Gi", validRange={"min": "1Gi", "max": "4Gi", "step": "2Gi"})),
        'spec.devices[0].capacity[memory].requestPolicy.validRange.step: Invalid value: "4Gi": value is not a multiple '
        "of a given step (2Gi) from (1Gi)",
    ),
    "a device on a node of its own": (
        _slice({"name": "gpu", "nodeName": "n"}),
        "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if "
        "`perDeviceNodeSelection` is set to true in the ResourceSlice spec",
    ),
    "conditions for being ready alone": (
        _slice({"name": "gpu", "bindingConditions": ["ready"]}),
        "spec.devices[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use "
        "bindingConditions",
    ),
}


@pytest.mark.parametrize("case", SLICES)
def test_what_a_driver_cannot_offer(case: str) -> None:
    offered, error = SLICES[case]
    assert create_errors(ResourceSliceStrategy(), offered) == [error]


def test_a_slice_stays_with_its_pool() -> None:
    strategy = ResourceSliceStrategy()
    old = created(strategy, _slice())
    assert update_errors(strategy, old, _slice(pool={**POOL, "name": "other"})) == [
        'spec.pool.name: Invalid value: "other": field is immutable'
    ]


SELECTORS = {
    "device.driver == 'gpu.example.com'": "",
    "cel.bind(gpu, device.attributes['example.com'], gpu.model == 'a')": "",
    "device.capacity['example.com'].memory.compareTo(quantity('1Gi')) >= 0": "",
    "device.driver": "must evaluate to bool or the unknown type, not string",
    "device.colour == 'red'": "compilation failed: ERROR: <input>:1:7: undefined field 'colour'",
}


@pytest.mark.parametrize("expression", SELECTORS)
def test_expressions_that_select_devices(expression: str) -> None:
    error = "".join(create_errors(DeviceClassStrategy(), _selector(expression)))
    assert SELECTORS[expression] in error
    assert bool(error) == bool(SELECTORS[expression])


def test_only_allocated_devices_have_a_status() -> None:
    result = {"request": "gpu", "driver": "gpu.example.com", "pool": "pool", "device": "gpu-0"}
    device = {key: result[key] for key in ("driver", "pool", "device")}
    claim = {**_claim(), "status": {"devices": [device]}}
    found = FieldErrors()
    validate_claim_status(found, claim, _claim())
    assert [text.partition(": ")[0] for text in texts(found)] == ["status.devices[0]"]
    claim["status"]["allocation"] = {"devices": {"results": [result]}}
    found.clear()
    validate_claim_status(found, claim, _claim())
    assert texts(found) == []


def test_what_drivers_say_goes_with_the_devices() -> None:
    strategy = ResourceClaimStrategy()
    result = {"request": "gpu", "driver": "gpu.example.com", "pool": "pool", "device": "gpu-0"}
    device = {key: result[key] for key in ("driver", "pool", "device")}
    old = {**_claim(), "status": {"allocation": {"devices": {"results": [result]}}, "devices": [device]}}
    new = {**_claim(), "status": {"devices": [device]}}
    strategy.prepare_for_status_update(new, old)
    assert new["status"] == {}


def test_empty_lists_of_a_slice_are_judged_and_not_kept() -> None:
    both = _slice(sharedCounters=[{"name": "a", "counters": {"b": {"value": "1"}}}])
    assert 'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed' in create_errors(
        ResourceSliceStrategy(), both
    )
    made = {**_slice({"name": "gpu", "bindingConditions": [], "bindingFailureConditions": []}), "metadata": {}}
    empties.settle(made, GroupVersionKind("resource.k8s.io", "v1", "ResourceSlice"))
    assert made["spec"]["devices"] == [{"name": "gpu"}]
