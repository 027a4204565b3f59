"""Whether an extension can be used: the Available condition of its APIService."""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apiserver.aggregation.extension import Extension

Object = dict[str, Any]

AVAILABLE = "Available"
#: Status, reason, message.
Verdict = tuple[str, str, str]
PASSED: Verdict = ("True", "Passed", "all checks passed")


def judge_service(extension: Extension, service: Object | None, slices: Sequence[Object]) -> Verdict | None:
    """What is wrong before anything is asked of the extension; None if nothing is."""
    where = f'service/{extension.service} in "{extension.namespace}"'
    if service is None:
        return "False", "ServiceNotFound", f"{where} is not present"
    spec = service.get("spec") or {}
    if (spec.get("type") or "ClusterIP") != "ClusterIP":
        return None
    port = next((entry for entry in spec.get("ports") or () if entry.get("port") == extension.port), None)
    if port is None:
        return "False", "ServicePortError", f"{where} is not listening on port {extension.port}"
    if not slices:
        return "False", "EndpointsNotFound", f"cannot find endpointslices for {where}"
    name = port.get("name") or ""
    if not any(_has_endpoint(found, name) for found in slices):
        message = f'endpointslices for {where} have no addresses with port name "{name}"'
        return "False", "MissingEndpoints", message
    return None


def _has_endpoint(found: Object, port: str) -> bool:
    ready = any((e.get("conditions") or {}).get("ready") in (None, True) for e in found.get("endpoints") or ())
    return ready and any((p.get("name") or "") == port and p.get("port") for p in found.get("ports") or ())


def failed_check(error: str) -> Verdict:
    return "False", "FailedDiscoveryCheck", error


def is_available(api_service: Object) -> bool:
    return meta.is_condition_true(_conditions(api_service), AVAILABLE)


def _conditions(api_service: Object) -> list[Object]:
    return (api_service.get("status") or {}).get("conditions") or []


def changed(api_service: Object, verdict: Verdict, now: str) -> Object | None:
    """The APIService with the verdict in its status; None if it says so already."""
    status, reason, message = verdict
    present = meta.get_condition(_conditions(api_service), AVAILABLE) or {}
    if (present.get("status"), present.get("reason"), present.get("message")) == verdict:
        return None
    since = present.get("lastTransitionTime") if present.get("status") == status else None
    condition = {
        "type": AVAILABLE,
        "status": status,
        "lastTransitionTime": since or now,
        "reason": reason,
        "message": message,
    }
    others = [c for c in _conditions(api_service) if c.get("type") != AVAILABLE]
    return {**api_service, "status": {**(api_service.get("status") or {}), "conditions": [*others, condition]}}
