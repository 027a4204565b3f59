"""Other versions of a resource: what a rule for one of them makes of a request for another."""

from typing import Any

from pynetes.apimachinery import codec, meta
from pynetes.apimachinery.errors import StatusError, internal
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apimachinery.managedfields import of_kind
from pynetes.apimachinery.managedfields.types import Type
from pynetes.apimachinery.schema import empties
from pynetes.apis import conversion
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS
from pynetes.apis.registry import RESOURCES, by_gvk, by_gvr
from pynetes.apis.resource import Resource
from pynetes.apiserver.admission.attributes import Attributes
from pynetes.apiserver.customresources.conversion import converter_of
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.webhooks.client import WebhookClient

Object = dict[str, Any]


def _families() -> dict[GroupVersionKind, list[Resource]]:
    """Resources by the kind under which they are stored."""
    found: dict[GroupVersionKind, list[Resource]] = {}
    for resource in RESOURCES:
        found.setdefault(resource.storage_gvk or resource.gvk, []).append(resource)
    return found


_FAMILIES = _families()


class Versions:
    """Of built-in resources from the table, of custom ones from their definitions."""

    def __init__(self, registry: Registry, client: WebhookClient) -> None:
        self._registry = registry
        self._client = client

    def equivalents(self, resource: GroupVersionResource) -> list[GroupVersionResource]:
        """The same resource under other names and versions."""
        known = by_gvr(resource)
        if known is not None:
            family = _FAMILIES[known.storage_gvk or known.gvk]
            return [each.gvr for each in family if each.gvr != resource]
        return [
            GroupVersionResource(resource.group, version, resource.resource)
            for version in self._served(resource)
            if version != resource.version
        ]

    def _definition(self, resource: GroupVersionResource) -> Object | None:
        name = f"{resource.resource}.{resource.group}"
        return self._registry.cached_get(CUSTOM_RESOURCE_DEFINITIONS, name) if resource.group else None

    def _served(self, resource: GroupVersionResource) -> list[str]:
        definition = self._definition(resource)
        if definition is None:
            return []
        return [version["name"] for version in definition["spec"]["versions"] if version.get("served")]

    def kind_of(
        self, resource: GroupVersionResource, subresource: str, requested: GroupVersionKind
    ) -> GroupVersionKind | None:
        """The kind of the resource, or of its subresource; `requested` is that of the request."""
        known = by_gvr(resource)
        if known is None:
            kind = (self._definition(resource) or {}).get("spec", {}).get("names", {}).get("kind")
            own = GroupVersionKind(resource.group, resource.version, kind) if kind else None
            return requested if subresource and requested.group != resource.group else own
        sub = known.subresource(subresource) if subresource else None
        return sub.gvk if sub is not None and sub.gvk is not None else known.gvk

    async def convert(self, obj: Object | None, kind: GroupVersionKind) -> Object | None:
        """The object as that kind, as it is written out. ValueError or StatusError if there is no way."""
        if obj is None:
            return None
        own = GroupVersionKind.of(obj)
        obj = empties.written(obj, own)
        if own == kind:
            return obj
        custom = self._custom(kind)
        definition = self._definition(custom.gvr) if custom is not None else None
        if definition is None:
            return conversion.convert(obj, kind)
        copy: Object = meta.copy(obj)
        return (await converter_of(definition, self._client).convert([copy], kind.api_version))[0]

    def resource_of(self, kind: GroupVersionKind) -> Resource | None:
        """The resource of a kind that is served."""
        return by_gvk(kind) or self._custom(kind)

    def merge_type(self, kind: GroupVersionKind) -> Type | None:
        """What server-side apply knows of the kind: what is merged and what is replaced. None if it knows nothing."""
        custom = self._custom(kind)
        if custom is None:
            return of_kind(kind)
        ownership = self._registry.store_of(custom.gvr).ownership
        return ownership.versions.type_of(kind.api_version) if ownership is not None else None

    def _custom(self, kind: GroupVersionKind) -> Resource | None:
        if by_gvk(kind) is not None:
            return None
        return next((each for each in self._registry.resources if each.gvk == kind), None)

    def finished(self, obj: Object, kind: GroupVersionKind, *, strict: bool = False) -> Object:
        """An object that a webhook or a policy has changed: checked, with defaults, without unknown fields, which are
        not allowed at all if `strict`. StatusError 500 if it is no object of the kind."""
        if obj.get("metadata") is None:
            obj["metadata"] = {}
        resource = self.resource_of(kind)
        schema = resource.schema if resource is not None else None
        if strict and schema is None:
            _check(obj, kind, strict=True)
        try:
            checked, _ = codec.coerce(obj, kind, schema=schema)
        except StatusError as error:
            _check(obj, kind)
            raise internal(error.message) from None
        if resource is not None:
            resource.strategy.default(checked)
        return checked


def _check(obj: Object, kind: GroupVersionKind, *, strict: bool = False) -> None:
    """StatusError 500 with upstream's words for what is wrong with an object of a built-in kind."""
    try:
        _, unknown = codec.check(obj, kind)
    except ValueError as error:
        raise internal(str(error)) from None
    if strict and unknown:
        raise internal("strict decoding error: " + ", ".join(unknown))


async def replace(attrs: Attributes, obj: Object, versions: Versions) -> None:
    """Makes `obj` (of whatever version) the request's object, in the version that the request's is in."""
    assert attrs.obj is not None
    changed = await versions.convert(obj, GroupVersionKind.of(attrs.obj))
    assert changed is not None
    if changed is not attrs.obj:
        attrs.obj.clear()
        attrs.obj.update(changed)
