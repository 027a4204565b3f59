"""The specification of a ResourceClaim, which its template holds too: requests for devices."""

from collections.abc import Mapping

from pynetes.apimachinery import names
from pynetes.apis.dra.configuration import MAX_CONFIGS, validate_configuration, validate_toleration
from pynetes.apis.dra.names_validation import validate_fully_qualified_name, validate_list, validate_unique
from pynetes.apis.dra.selectors import validate_selectors
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

MAX_REQUESTS = 32
_MAX_CONSTRAINTS = 32
_MAX_ALTERNATIVES = 8
_MODES = ("All", "ExactCount")
_ONE_KIND = "exactly one of `exactly` or `firstAvailable` is required"
# Said when there is none of them: upstream's slip.
_NO_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
_NOT_A_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
#: Names of requests → names of their alternatives.
RequestNames = Mapping[str, frozenset[str]]


def default_claim_spec(spec: Object | None) -> None:
    for request in ((spec or {}).get("devices") or {}).get("requests") or ():
        for each in (request.get("exactly"), *(request.get("firstAvailable") or ())):
            if each is not None:
                _default_request(each)


def _default_request(request: Object) -> None:
    if not request.get("allocationMode"):
        request["allocationMode"] = "ExactCount"
    if request["allocationMode"] == "ExactCount" and not request.get("count"):
        request["count"] = 1
    for toleration in request.get("tolerations") or ():
        if not toleration.get("operator"):
            toleration["operator"] = "Equal"


def request_names(spec: Object) -> RequestNames:
    return {
        request.get("name") or "": frozenset(each.get("name") or "" for each in request.get("firstAvailable") or ())
        for request in (spec.get("devices") or {}).get("requests") or ()
    }


def validate_claim_spec(found: FieldErrors, spec: Object, path: str) -> None:
    devices, path, known = spec.get("devices") or {}, f"{path}.devices", request_names(spec)

    def constraint(found: FieldErrors, constraint: Object, path: str) -> None:
        _request_names(found, constraint, known, path)
        if constraint.get("matchAttribute") is not None:
            validate_fully_qualified_name(found, constraint["matchAttribute"], f"{path}.matchAttribute")
        elif constraint.get("distinctAttribute") is not None:
            validate_fully_qualified_name(found, constraint["distinctAttribute"], f"{path}.distinctAttribute")
        else:
            found.required(path, _NO_ATTRIBUTE)

    def config(found: FieldErrors, config: Object, path: str) -> None:
        validate_claim_configuration(found, config, known, path)

    validate_unique(found, devices.get("requests") or [], MAX_REQUESTS, _request, f"{path}.requests", _name)
    validate_list(found, devices.get("constraints") or [], _MAX_CONSTRAINTS, constraint, f"{path}.constraints")
    validate_list(found, devices.get("config") or [], MAX_CONFIGS, config, f"{path}.config")


def validate_claim_configuration(found: FieldErrors, config: Object, known: RequestNames, path: str) -> None:
    _request_names(found, config, known, path)
    validate_configuration(found, config, path)


def validate_request_name(found: FieldErrors, name: str, known: RequestNames, path: str) -> None:
    """The name of a request, or of one of its alternatives: `request/alternative`."""
    parts = name.split("/")
    if len(parts) > 2:
        found.invalid(path, name, _NOT_A_REQUEST)
        return
    for part in parts:
        found.rule(path, part, names.dns1123_label)
    if parts[0] not in known or (len(parts) == 2 and parts[1] not in known[parts[0]]):
        found.invalid(path, name, _NOT_A_REQUEST)


def _request_names(found: FieldErrors, holder: Object, known: RequestNames, path: str) -> None:
    def check(found: FieldErrors, name: str, path: str) -> None:
        validate_request_name(found, name, known, path)

    validate_unique(found, holder.get("requests") or [], MAX_REQUESTS, check, f"{path}.requests")


def _name(request: Object) -> str:
    return request.get("name") or ""


def _request(found: FieldErrors, request: Object, path: str) -> None:
    found.rule(f"{path}.name", _name(request), names.dns1123_label)
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable") or []
    if exactly is None and not alternatives:
        found.required(path, _ONE_KIND)
    elif exactly is not None and alternatives:
        found.invalid(path, None, f"{_ONE_KIND}, but multiple fields are set")
    elif exactly is not None:
        _exact(found, exactly, f"{path}.exactly")
    else:
        validate_unique(found, alternatives, _MAX_ALTERNATIVES, _alternative, f"{path}.firstAvailable", _name)


def _alternative(found: FieldErrors, request: Object, path: str) -> None:
    found.rule(f"{path}.name", _name(request), names.dns1123_label)
    _exact(found, request, path)


def _exact(found: FieldErrors, request: Object, path: str) -> None:
    found.required_rule(f"{path}.deviceClassName", request.get("deviceClassName"), names.dns1123_subdomain)
    validate_selectors(found, request.get("selectors") or [], f"{path}.selectors")
    mode, count = request.get("allocationMode") or "", request.get("count") or 0
    if mode not in _MODES:
        found.not_supported(f"{path}.allocationMode", mode, _MODES)
    elif mode == "All" and count:
        found.invalid(f"{path}.count", count, "must not be specified when allocationMode is 'All'")
    elif mode == "ExactCount" and count <= 0:
        found.invalid(f"{path}.count", count, "must be greater than zero")
    for index, toleration in enumerate(request.get("tolerations") or ()):
        validate_toleration(found, toleration, f"{path}.tolerations[{index}]")
