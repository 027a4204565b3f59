"""Reading a CustomResourceDefinition."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.versions import version_key

Object = dict[str, Any]

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
ESTABLISHED, NAMES_ACCEPTED, TERMINATING = "Established", "NamesAccepted", "Terminating"


def versions(definition: Object) -> list[Object]:
    return definition["spec"].get("versions") or []


def storage_version(definition: Object) -> str:
    return next((version["name"] for version in versions(definition) if version.get("storage")), "")


def schema_of(version: Object) -> Object | None:
    found: Object | None = (version.get("schema") or {}).get("openAPIV3Schema")
    return found


def is_true(definition: Object, condition: str) -> bool:
    return meta.is_condition_true((definition.get("status") or {}).get("conditions"), condition)


def is_served(definition: Object) -> bool:
    """From the moment its names are accepted; also when others take them away later."""
    return is_true(definition, NAMES_ACCEPTED) or is_true(definition, ESTABLISHED)


def accepted_names(definition: Object) -> Object:
    return (definition.get("status") or {}).get("acceptedNames") or {}


def kind_of(definition: Object, version: str) -> GroupVersionKind:
    return GroupVersionKind(definition["spec"]["group"], version, accepted_names(definition).get("kind") or "")


def deprecation_warning(definition: Object, version: Object) -> str:
    """Empty for a version that is not deprecated; else its own warning, or one that names what to use instead."""
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning") is not None:
        return str(version["deprecationWarning"])
    spec = definition["spec"]
    group, kind = spec["group"], spec["names"]["kind"]
    text = f"{group}/{version['name']} {kind} is deprecated"
    newer = [
        other["name"]
        for other in versions(definition)
        if other.get("served")
        and not other.get("deprecated")
        and version_key(other["name"]) < version_key(version["name"])
    ]
    return f"{text}; use {group}/{min(newer, key=version_key)} {kind}" if newer else text
