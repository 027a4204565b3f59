"""What a Pod's status says of the claims that were made for it."""

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_NO_CLAIM = "must match the name of an entry in `spec.resourceClaims`"
_NO_CONTAINER = "must match the name of an entry in spec.initContainers.name or spec.containers.name"


def validate_claim_statuses(found: FieldErrors, status: Object, spec: Object) -> None:
    known = {claim.get("name") for claim in spec.get("resourceClaims") or ()}
    seen: set[str] = set()
    for index, claim in enumerate(status.get("resourceClaimStatuses") or ()):
        path, name = f"status.resourceClaimStatuses[{index}]", claim.get("name") or ""
        if name not in known:
            found.invalid(f"{path}.name", name, _NO_CLAIM)
        if name in seen:
            found.duplicate(f"{path}.name", name)
        seen.add(name)
        if claim.get("resourceClaimName") is not None:
            found.rule(f"{path}.resourceClaimName", claim["resourceClaimName"], names.dns1123_subdomain)
    extended = status.get("extendedResourceClaimStatus")
    if extended is not None:
        _extended(found, extended, spec, "status.extendedResourceClaimStatus")


def _extended(found: FieldErrors, status: Object, spec: Object, path: str) -> None:
    containers = {c.get("name") for field in ("initContainers", "containers") for c in spec.get(field) or ()}
    mappings = status.get("requestMappings") or []
    if not mappings:
        found.required(f"{path}.requestMappings", "at least one request mapping is required")
    for index, mapping in enumerate(mappings):
        name = mapping.get("containerName") or ""
        if name not in containers:
            found.invalid(f"{path}.requestMappings[{index}].containerName", name, _NO_CONTAINER)
    found.required_rule(f"{path}.resourceClaimName", status.get("resourceClaimName"), names.dns1123_subdomain)
