"""A definition's spec as the original's unversioned type holds it: what all versions have in common stands at the top.

Clients see this in the paths of errors: `spec.validation.openAPIV3Schema` where the versions' schemas are the same.
"""

from typing import Any

from msgspec import Struct

from pynetes.apis.strategy import Object

_COMMON = {
    "schema": "validation",
    "subresources": "subresources",
    "additionalPrinterColumns": "additionalPrinterColumns",
    "selectableFields": "selectableFields",
}


class Place(Struct, frozen=True):
    """One value of a version or of all versions, and where errors say that it stands."""

    value: Any
    path: str
    version: str = ""


def places(spec: Object, field: str) -> list[Place]:
    """Every value of a version's field: one at the top, or one a version."""
    versions = spec.get("versions") or []
    if not versions:
        return []
    first = versions[0].get(field)
    if is_common(spec, field):
        return [Place(first, f"spec.{_COMMON[field]}")] if first else []
    return [
        Place(version[field], f"spec.versions[{i}].{field}", version.get("name") or "")
        for i, version in enumerate(versions)
        if version.get(field)
    ]


def is_common(spec: Object, field: str) -> bool:
    """Whether the field stands at the top, or would if there was anything."""
    versions = spec.get("versions") or []
    return bool(versions) and all((v.get(field) or None) == (versions[0].get(field) or None) for v in versions)


def has_status(spec: Object, version: str) -> bool:
    """Whether a version's schema is one of objects whose status is written apart; any version's for all of them."""
    return any(
        (each.get("subresources") or {}).get("status") is not None
        for each in spec.get("versions") or ()
        if not version or each.get("name") == version
    )


def rule(rule: Object) -> Object:
    """A validation rule as errors show it."""
    return {
        "Rule": rule.get("rule") or "",
        "Message": rule.get("message") or "",
        "MessageExpression": rule.get("messageExpression") or "",
        "Reason": rule.get("reason"),
        "FieldPath": rule.get("fieldPath") or "",
        "OptionalOldSelf": rule.get("optionalOldSelf"),
    }


def versions(spec: Object) -> list[Object] | None:
    """The versions as errors show them: without what stands at the top."""
    if spec.get("versions") is None:
        return None
    return [
        {
            "Name": version.get("name") or "",
            "Served": bool(version.get("served")),
            "Storage": bool(version.get("storage")),
            "Deprecated": bool(version.get("deprecated")),
            "DeprecationWarning": version.get("deprecationWarning"),
            **{
                field[:1].upper() + field[1:]: None if is_common(spec, field) else version.get(field)
                for field in _COMMON
            },
        }
        for version in spec["versions"]
    ]
