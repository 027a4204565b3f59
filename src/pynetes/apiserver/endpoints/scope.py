"""What one endpoint serves, and what all endpoints share."""

from collections.abc import Awaitable, Callable
from functools import cache, cached_property
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apimachinery.managedfields import FieldManager
from pynetes.apimachinery.names import size
from pynetes.apimachinery.protobuf.encoder import has_message
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apis.conversion import convert
from pynetes.apis.resource import Resource, Subresource
from pynetes.apiserver.authentication.user import ANONYMOUS_USER
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.endpoints.specs import Specs
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.context import Admission, WriteContext
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.registry.resource import ResourceStore

Object = dict[str, Any]


class Backend(Struct):
    """What all endpoints work with."""

    config: APIServerConfig
    registry: Registry
    admission: Admission
    authorizer: Authorizer


class Scope(Struct, dict=True):
    """A resource in the version of the path, or one of its subresources. `kind` is that of the endpoint's bodies;
    `fields` tracks who wrote what."""

    backend: Backend
    resource: Resource
    store: ResourceStore
    kind: GroupVersionKind
    subresource: Subresource | None = None

    @cached_property
    def fields(self) -> FieldManager:
        subresource = self.subresource.name if self.subresource else ""
        return fields.field_manager(self.resource, self.kind, subresource, self.store.ownership)

    @cached_property
    def specs(self) -> Specs | None:
        """Of the bodies, where these are of a kind whose specs come again."""
        of_template = self.resource.strategy.templated and self.kind == self.resource.gvk
        return Specs(self.kind, self.resource.strategy) if of_template else None

    @property
    def gvr(self) -> GroupVersionResource:
        return self.resource.gvr

    @property
    def schema(self) -> ObjectSchema | None:
        """That of the endpoint's bodies, if they are custom resources."""
        return self.resource.schema if self.kind == self.resource.gvk else None

    @property
    def converted(self) -> bool:
        """The version of the path is not the stored one."""
        return self.resource.storage_gvk is not None

    @property
    def restriction(self) -> str:
        """Which media types the endpoint speaks; see `negotiation`."""
        return _restriction(self.kind)

    def served(self, obj: Object) -> Object:
        """A stored object in the version of the path."""
        return convert(obj, self.resource.gvk) if self.converted else obj

    def stored(self, obj: Object) -> Object:
        """An object of the path's version as it is stored, with what that version adds by default."""
        if not self.converted:
            return obj
        obj = convert(obj, self.store.resource.gvk)
        self.store.strategy.default(obj)
        return obj

    def write_context(self, request: Request, options: WriteOptions) -> WriteContext:
        return self.context(request, options.dry_run, options.field_manager, options.raw)

    def context(
        self, request: Request, dry_run: bool, field_manager: str = "", raw: Object | None = None
    ) -> WriteContext:
        subresource = self.subresource.name if self.subresource else ""
        ctx = context_of(self.backend, request, self.gvr, self.kind, subresource, raw)
        ctx.dry_run, ctx.field_manager = dry_run, field_manager or agent(request)
        return ctx


def context_of(
    backend: Backend,
    request: Request,
    gvr: GroupVersionResource,
    kind: GroupVersionKind,
    subresource: str = "",
    options: Object | None = None,
) -> WriteContext:
    """What the registry and admission are to know of a request."""
    return WriteContext(
        request.user or ANONYMOUS_USER,
        gvr,
        kind,
        backend.admission,
        subresource,
        options=options or {},
        warnings=request.warnings,
        annotations=request.annotations,
        waits=request.waits,
        size=request.size,
        deadline=request.deadline,
    )


_MANAGER_MAX = 128  # bytes


def agent(request: Request) -> str:
    """The manager of fields when none is named: the first part of the user agent."""
    name = request.headers.get("User-Agent", "").partition("/")[0]
    if name.isascii() and name.isprintable():
        return name[:_MANAGER_MAX]
    out = ""
    for char in name:
        if char.isprintable():
            if size(out + char) > _MANAGER_MAX:
                break
            out += char
    return out


@cache
def _restriction(kind: GroupVersionKind) -> str:
    return "objects" if has_message(kind.api_version, kind.kind) else "custom"


Endpoint = Callable[[Scope, Request], Awaitable[Answer]]
