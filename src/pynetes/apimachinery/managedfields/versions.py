"""What a FieldManager knows of a kind's versions, and which fields its strategy resets."""

from collections.abc import Callable, Mapping
from typing import Any

from pynetes.apimachinery.codec import coerce
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind, split_api_version
from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.fieldset import FieldSet
from pynetes.apimachinery.managedfields.schema_types import Schema, of_custom_resource, of_kind
from pynetes.apimachinery.managedfields.types import Type
from pynetes.apimachinery.managedfields.updater import Reset
from pynetes.apimachinery.managedfields.zero import complete, zero_object

Object = dict[str, Any]
#: From an object and a kind to the object as that kind; ValueError if there is no way.
Convert = Callable[[Object, GroupVersionKind], Object]


class ConversionNeeded(Exception):
    """Raised out of a FieldManager by a `Convert` that would have to wait: whoever asked finds out, and asks again."""

    def __init__(self, obj: Object, kind: GroupVersionKind) -> None:
        super().__init__(str(kind))
        self.obj = obj
        self.kind = kind


class BuiltInVersions:
    """The versions of a kind within its group that the schema describes. The same kind in another group (events have
    two) is another kind to ownership."""

    def __init__(self, group: str, kind: str, convert: Convert) -> None:
        self._group = group
        self._kind = kind
        self._convert = convert
        self._types: dict[str, Type] = {}

    def type_of(self, api_version: str) -> Type | None:
        found = self._types.get(api_version)
        if found is None:
            gvk = self._gvk(api_version)
            found = of_kind(gvk) if gvk.group == self._group else None
            if found is not None:
                self._types[api_version] = found
        return found

    def convert(self, obj: Object, api_version: str) -> Object:
        if obj.get("apiVersion") == api_version:
            return obj
        if self.type_of(api_version) is None:
            raise LookupError(api_version)
        if "metadata" not in obj:  # an apply prunes before it gives back what is owned
            obj = {**obj, "metadata": {}}
        gvk = self._gvk(api_version)
        try:
            converted = self._convert(obj, gvk)
            canonical, _ = coerce(converted, gvk, validation="Ignore")
        except ValueError as error:
            raise LookupError(str(error)) from None
        except StatusError:  # what was merged may not be of its type yet
            return converted
        return complete(canonical, gvk)

    def zero(self, api_version: str) -> Object:
        return zero_object(self._gvk(api_version))

    def same(self, one: Object, other: Object) -> bool:
        if one == other:
            return True
        if _contradict(one, other):
            return False
        gvk = self._gvk(one["apiVersion"])
        return complete(one, gvk) == complete(other, gvk)

    def _gvk(self, api_version: str) -> GroupVersionKind:
        return GroupVersionKind(*split_api_version(api_version), self._kind)


def _contradict(one: Any, other: Any) -> bool:
    """Whether two different values say different things in one place, which no filling in can make up for."""
    if isinstance(one, dict) and isinstance(other, dict):
        return any(
            name in other and value != other[name] and _contradict(value, other[name]) for name, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(a != b and _contradict(a, b) for a, b in zip(one, other, strict=True))
    return True


class CustomVersions:
    """The versions of a custom resource: their schemas (None: there is none) by apiVersion, and how its definition
    converts objects: by name alone, or by what a webhook has answered."""

    def __init__(self, kind: str, schemas: Mapping[str, Schema | None], convert: Convert) -> None:
        self._kind = kind
        self._schemas = schemas
        self._types: dict[str, Type] = {}
        self._convert = convert

    def type_of(self, api_version: str) -> Type | None:
        if api_version not in self._types and api_version in self._schemas:
            self._types[api_version] = of_custom_resource(self._schemas[api_version])
        return self._types.get(api_version)

    def convert(self, obj: Object, api_version: str) -> Object:
        if obj.get("apiVersion") == api_version:
            return obj
        if api_version not in self._schemas:
            raise LookupError(api_version)
        try:
            return self._convert(obj, GroupVersionKind(*split_api_version(api_version), self._kind))
        except ValueError as error:
            raise LookupError(str(error)) from None

    def zero(self, api_version: str) -> Object:
        return {"apiVersion": api_version, "kind": self._kind}

    def same(self, one: Object, other: Object) -> bool:
        return one == other


def excluding(*names: str) -> Reset:
    """Without these fields and all below them."""
    gone = fieldset.fields(*names)

    def reset(fields: FieldSet) -> FieldSet:
        return fieldset.recursive_difference(fields, gone)

    return reset


CUSTOM_STATUS_RESET = excluding("metadata", "spec")
"""What writes of a custom resource's status do not change."""
