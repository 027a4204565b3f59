"""The resources of a definition, one a version."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import CustomVersions
from pynetes.apimachinery.managedfields.fieldset import Path
from pynetes.apimachinery.structural.nodes import Schema
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apis.resource import SCALE, STATUS, Resource, ScalePaths, Subresource
from pynetes.apiserver.customresources import definitions
from pynetes.apiserver.customresources.columns import columns_of
from pynetes.apiserver.customresources.conversion import ConversionAnswers, Converter
from pynetes.apiserver.customresources.strategy import CustomResourceStrategy
from pynetes.apiserver.registry.fields import Ownership

Object = dict[str, Any]

#: In the order in which discovery shows them.
_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_ENDING_VERBS = ("delete", "deletecollection", "get", "list", "watch")


class CustomVersion(Struct, frozen=True):
    """One version of a definition: its resource, and what OpenAPI tells of it."""

    resource: Resource
    schema: Schema | None
    selectable: tuple[str, ...]
    served: bool

    def discovered(self, definition: Object) -> Resource:
        """As discovery shows it: by the version it is stored in, without creation while the definition is ending."""
        stored = definitions.kind_of(definition, definitions.storage_version(definition))
        ending = definitions.is_true(definition, definitions.TERMINATING)
        verbs = _ENDING_VERBS if ending else _VERBS
        return replace(self.resource, storage_gvk=stored, verbs=verbs)


def schemas_of(definition: Object) -> dict[str, ObjectSchema]:
    """By version, served or not: objects may be stored in any."""
    return {
        version["name"]: ObjectSchema(definitions.schema_of(version) or {})
        for version in definitions.versions(definition)
    }


def versions_of(definition: Object, schemas: Mapping[str, ObjectSchema]) -> list[CustomVersion]:
    """Those that are served, and the one that is stored."""
    return [
        _version(definition, version, schemas[version["name"]])
        for version in definitions.versions(definition)
        if version.get("served") or version.get("storage")
    ]


def _version(definition: Object, version: Object, schema: ObjectSchema) -> CustomVersion:
    spec, named = definition["spec"], definitions.accepted_names(definition)
    kind = GroupVersionKind(spec["group"], version["name"], named["kind"])
    namespaced = spec["scope"] == "Namespaced"
    subresources = version.get("subresources") or {}
    scale = _scale_paths(subresources.get("scale"))
    selectable = tuple(field["jsonPath"].removeprefix(".") for field in version.get("selectableFields") or ())
    strategy = CustomResourceStrategy(
        kind,
        schema,
        namespaced=namespaced,
        status=subresources.get("status") is not None,
        scale=scale,
        selectable=selectable,
    )
    parts: list[Subresource] = [STATUS] if strategy.has_status else []
    if scale is not None:
        parts.append(replace(SCALE, paths=scale))
    resource = Resource(
        kind,
        named["plural"],
        namespaced,
        strategy,
        singular=named["singular"],
        short_names=tuple(named.get("shortNames") or ()),
        categories=tuple(named.get("categories") or ()),
        subresources=tuple(parts),
        columns=columns_of(version.get("additionalPrinterColumns")),
        deprecation=definitions.deprecation_warning(definition, version),
        list_kind=named["listKind"],
        schema=schema,
    )
    return CustomVersion(resource, definitions.schema_of(version), selectable, bool(version.get("served")))


def ownership_of(definition: Object, converter: Converter) -> Ownership:
    """What server-side apply knows of a definition's objects: all versions, served or not."""
    group, kind = definition["spec"]["group"], definitions.accepted_names(definition)["kind"]
    schemas: dict[str, Schema | None] = {}
    replicas: dict[str, Path] = {}
    for version in definitions.versions(definition):
        api_version = f"{group}/{version['name']}"
        schemas[api_version] = definitions.schema_of(version)
        scale = (version.get("subresources") or {}).get("scale") or {}
        replicas[api_version] = tuple(f"f:{step}" for step in _steps(scale.get("specReplicasPath")))
    answers = ConversionAnswers(converter)
    return Ownership(CustomVersions(kind, schemas, answers), replicas, answers.fill)


def _scale_paths(scale: Object | None) -> ScalePaths | None:
    if scale is None:
        return None
    return ScalePaths(
        _steps(scale["specReplicasPath"]), _steps(scale["statusReplicasPath"]), _steps(scale.get("labelSelectorPath"))
    )


def _steps(path: str | None) -> tuple[str, ...]:
    return tuple(path.removeprefix(".").split(".")) if path else ()
