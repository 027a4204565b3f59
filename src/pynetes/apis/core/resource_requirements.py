"""Requests and limits of containers and of whole pods."""

from collections.abc import Callable

from pynetes.apimachinery import names, quantity
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.quantity import Quantity
from pynetes.apis.core.pod_resources import amounts, is_pod_level
from pynetes.apis.core.resource_names import (
    HUGE_PAGES,
    is_huge_page,
    is_overcommit_allowed,
    validate_container_resource_name,
    validate_resource_name,
    validate_resource_value,
)
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_POD_LEVEL = ("cpu", "memory")
NameCheck = Callable[[FieldErrors, str, str], None]


def validate_pod_resource_name(found: FieldErrors, name: str, path: str) -> None:
    if validate_resource_name(found, name, path) and not is_pod_level(name):
        found.not_supported(path, name, ("cpu", "hugepages-", "memory"))


def validate_resource_requirements(
    found: FieldErrors,
    requirements: Object,
    claims: frozenset[str],
    path: str,
    check_name: NameCheck = validate_container_resource_name,
) -> None:
    limits, requests = amounts(requirements.get("limits")), amounts(requirements.get("requests"))
    for field, resources in (("limits", limits), ("requests", requests)):
        for name, amount in resources.items():
            own = f"{path}.{field}[{name}]"
            check_name(found, name, own)
            validate_resource_value(found, name, str(amount), own)
            if field == "requests":
                _against_limit(found, name, amount, limits.get(name), path)
            if is_huge_page(name) and not _divisible(name, amount):
                found.invalid(own, str(amount), f"{amount} is not positive integer multiple of {name}")
    mentioned = limits.keys() | requests.keys()
    if any(map(is_huge_page, mentioned)) and not mentioned & {"cpu", "memory"}:
        found.forbidden(path, "HugePages require cpu or memory")
    _claims(found, requirements.get("claims") or [], claims, f"{path}.claims")


def _against_limit(found: FieldErrors, name: str, amount: Quantity, limit: Quantity | None, path: str) -> None:
    if limit is None:
        if not is_overcommit_allowed(name):
            found.required(f"{path}.limits", "Limit must be set for non overcommitable resources")
    elif amount != limit and not is_overcommit_allowed(name):
        found.invalid(f"{path}.requests", str(amount), f"must be equal to {name} limit of {limit}")
    elif amount > limit:
        found.invalid(f"{path}.requests", str(amount), f"must be less than or equal to {name} limit of {limit}")


def _divisible(name: str, amount: Quantity) -> bool:
    try:
        page = quantity.parse(name.removeprefix(HUGE_PAGES)).value()
    except ValueError:
        return False
    return page > 0 and amount.value() % page == 0


def _claims(found: FieldErrors, own_claims: list[Object], claims: frozenset[str], path: str) -> None:
    seen: set[str] = set()
    for index, claim in enumerate(own_claims):
        own, name, request = f"{path}[{index}]", claim.get("name") or "", claim.get("request") or ""
        if not name:
            found.required(own)
            continue
        if name in seen:
            found.duplicate(own, name)
        else:
            key = f"{name}/{request}" if request else name
            if request:
                found.rule(f"{own}.request", request, names.dns1123_label)
            if key in seen:
                found.duplicate(own, key)
            elif not request and any(k.startswith(name + "/") for k in seen):
                found.duplicate(own, name)
            seen.add(key)
        if name not in claims:
            known = f": {', '.join(sorted(claims))}" if claims else " which is empty"
            detail = f"must be one of the names in pod.spec.resourceClaims{known}"
            found.append(FieldError("FieldValueNotFound", own, name, detail))


def validate_pod_level(
    found: FieldErrors, spec: Object, aggregated: dict[str, dict[str, Quantity]], claims: frozenset[str], path: str
) -> None:
    """`aggregated` holds the containers' requests and limits summed up; `claims` are the pod's."""
    resources = spec["resources"]
    if (spec.get("os") or {}).get("name") == "windows":
        found.forbidden(path, "may not be set for a windows pod")
        return
    if resources.get("claims") is not None:
        found.forbidden(f"{path}.claims", "claims may not be set for Resources at pod-level")
    validate_resource_requirements(found, resources, claims, path, validate_pod_resource_name)
    own = {field: amounts(resources.get(field)) for field in ("requests", "limits")}
    for field, counted in (("requests", lambda name: True), ("limits", is_huge_page)):
        for name, total in aggregated[field].items():
            stated = own[field].get(name)
            if stated is not None and counted(name) and total > stated:
                detail = f"must be greater than or equal to aggregate container {field} of {total}"
                found.invalid(f"{path}.{field}[{name}]", str(stated), detail)
    for index, container in enumerate(spec.get("containers") or ()):
        for name, amount in amounts((container.get("resources") or {}).get("limits")).items():
            limit = own["limits"].get(name)
            if limit is not None and amount > limit:
                detail = f"must be less than or equal to pod limits of {limit}"
                found.invalid(f"{path}.containers[{index}][{name}].limits", str(amount), detail)
