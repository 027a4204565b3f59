"""The status of a ResourceClaim: what was allocated, for whom, and what drivers say of the devices."""

import ipaddress
from typing import Any

from pynetes.apimachinery import names
from pynetes.apimachinery.validation import validate_conditions
from pynetes.apis.core.scheduling_validation import validate_node_selector
from pynetes.apis.dra.claim_validation import (
    MAX_REQUESTS,
    RequestNames,
    request_names,
    validate_claim_configuration,
    validate_request_name,
)
from pynetes.apis.dra.configuration import MAX_CONFIGS, validate_binding, validate_raw
from pynetes.apis.dra.names_validation import (
    validate_driver_name,
    validate_list,
    validate_pool_name,
    validate_unique,
    validate_uuid,
)
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_MAX_CONSUMERS = 256
_MAX_CONDITIONS = 8
_MAX_IPS = 16
_SOURCES = ("FromClaim", "FromClass")
_BYTES = {"interfaceName": 256, "hardwareAddress": 128}


def validate_claim_status(found: FieldErrors, claim: Object, old: Object) -> None:
    status, before = claim.get("status") or {}, old.get("status") or {}
    consumers, allocation = status.get("reservedFor") or [], status.get("allocation")
    validate_unique(
        found, consumers, _MAX_CONSUMERS, _consumer, "status.reservedFor", lambda consumer: consumer.get("uid") or ""
    )
    allocated = [_device_id(each) for each in ((allocation or {}).get("devices") or {}).get("results") or ()]

    def device(found: FieldErrors, device: Object, path: str) -> None:
        _device(found, device, allocated, path)

    validate_unique(found, status.get("devices") or [], None, device, "status.devices", _device_id)
    if consumers:
        if allocation is None:
            found.forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
        elif claim["metadata"].get("deletionTimestamp"):
            earlier = before.get("reservedFor") or []
            if any(consumer not in earlier for consumer in consumers):
                detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
                found.forbidden("status.reservedFor", detail)
    if allocation is not None and before.get("allocation") is not None:
        found.immutable("status.allocation", allocation, before["allocation"])
    elif allocation is not None:
        _allocation(found, allocation, request_names(claim.get("spec") or {}), "status.allocation")


def device_id(device: Object) -> str:
    """`driver/pool/device`, and its share if it is shared."""
    name = "/".join(device.get(key) or "" for key in ("driver", "pool", "device"))
    return f"{name}/{device['shareID']}" if device.get("shareID") is not None else name


def _device_id(device: Object) -> Any:
    return device_id(device)


def _consumer(found: FieldErrors, consumer: Object, path: str) -> None:
    for key in ("resource", "name", "uid"):
        found.present(f"{path}.{key}", consumer.get(key))


def _device_names(found: FieldErrors, device: Object, path: str) -> None:
    validate_driver_name(found, device.get("driver") or "", f"{path}.driver")
    validate_pool_name(found, device.get("pool") or "", f"{path}.pool")
    found.rule(f"{path}.device", device.get("device") or "", names.dns1123_label)


def _allocation(found: FieldErrors, allocation: Object, known: RequestNames, path: str) -> None:
    def result(found: FieldErrors, result: Object, path: str) -> None:
        validate_request_name(found, result.get("request") or "", known, f"{path}.request")
        _device_names(found, result, path)
        validate_binding(found, result, path)
        if result.get("shareID") is not None:
            validate_uuid(found, result["shareID"], f"{path}.shareID")

    def config(found: FieldErrors, config: Object, path: str) -> None:
        found.one_of(f"{path}.source", config.get("source"), _SOURCES)
        validate_claim_configuration(found, config, known, path)

    devices = allocation.get("devices") or {}
    validate_list(found, devices.get("results") or [], MAX_REQUESTS, result, f"{path}.devices.results")
    validate_list(found, devices.get("config") or [], 2 * MAX_CONFIGS, config, f"{path}.devices.config")
    if allocation.get("nodeSelector") is not None:
        validate_node_selector(found, allocation["nodeSelector"], f"{path}.nodeSelector")


def _device(found: FieldErrors, device: Object, allocated: list[str], path: str) -> None:
    _device_names(found, device, path)
    if device.get("shareID") is not None:
        validate_uuid(found, device["shareID"], f"{path}.shareID")
    if device_id(device) not in allocated:
        found.invalid(path, _shown_id(device), "must be an allocated device in the claim")
    conditions = device.get("conditions") or []
    if len(conditions) > _MAX_CONDITIONS:
        found.too_many(f"{path}.conditions", len(conditions), _MAX_CONDITIONS)
    found += validate_conditions(conditions, f"{path}.conditions")
    if device.get("data") is not None:
        validate_raw(found, device["data"], f"{path}.data")
    if device.get("networkData") is not None:
        _network(found, device["networkData"], f"{path}.networkData")


def _shown_id(device: Object) -> Object:
    """The identity as the message has it."""
    keys = {"Driver": "driver", "Pool": "pool", "Device": "device", "ShareID": "shareID"}
    return {shown: device.get(key) or "" for shown, key in keys.items()}


def _network(found: FieldErrors, data: Object, path: str) -> None:
    for key, maximum in _BYTES.items():
        if names.size(data.get(key) or "") > maximum:
            found.too_long(f"{path}.{key}", maximum)
    validate_unique(found, data.get("ips") or [], _MAX_IPS, _interface_address, f"{path}.ips")


def _interface_address(found: FieldErrors, value: str, path: str) -> None:
    try:
        address = ipaddress.ip_interface(value) if "/" in value else None
    except ValueError:
        address = None
    if address is None:
        detail = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
        found.invalid(path, value, detail)
    elif str(address) != value:
        found.invalid(path, value, f'must be in canonical form ("{address}")')
