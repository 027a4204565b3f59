"""Serves what is defined: each definition's resources come, change and go with it."""

import asyncio
import logging
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError, forbidden
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS
from pynetes.apiserver.customresources import definitions
from pynetes.apiserver.customresources.conversion import converter_of
from pynetes.apiserver.customresources.form import CustomForm
from pynetes.apiserver.customresources.resource import CustomVersion, ownership_of, schemas_of, versions_of
from pynetes.apiserver.endpoints.discovery import Discovery
from pynetes.apiserver.endpoints.install import install_resource
from pynetes.apiserver.endpoints.openapi import OpenAPI
from pynetes.apiserver.endpoints.router import Router
from pynetes.apiserver.endpoints.scope import Backend
from pynetes.apiserver.objects import Change
from pynetes.apiserver.openapi import custom as openapi
from pynetes.apiserver.registry.hooks import Finish, Hooks, nothing
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.registry.resource import ResourceStore
from pynetes.apiserver.requestinfo import RequestInfo
from pynetes.apiserver.webhooks.client import WebhookClient
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]
_Shown = tuple[openapi.Definitions, openapi.Definitions]


class _Ending(Hooks):
    """No object is created while its definition is being deleted."""

    def __init__(self) -> None:
        self.refusing = ""

    async def begin_create(self, obj: Object, dry_run: bool) -> Finish:
        if self.refusing:
            why = "create not allowed while custom resource definition is terminating"
            raise forbidden(self.refusing, obj["metadata"].get("name") or "", why)
        return nothing


class _Served(Struct):
    """What one definition has brought."""

    definition: Object
    versions: list[CustomVersion]
    stores: dict[str, ResourceStore]
    running: list["asyncio.Task[None]"]
    ending: _Ending
    shown: dict[str, _Shown]


class CustomResources:
    """Told of definitions by `observe`; `late` tells the router whether what is missing has come meanwhile."""

    def __init__(
        self,
        backend: Backend,
        router: Router,
        discovery: Discovery,
        documents: OpenAPI,
        webhooks: WebhookClient,
        tasks: Tasks,
    ) -> None:
        self._backend = backend
        self._router = router
        self._discovery = discovery
        self._documents = documents
        self._webhooks = webhooks
        self._tasks = tasks
        self._served: dict[str, _Served] = {}
        router.late = self.late

    @property
    def _registry(self) -> Registry:
        return self._backend.registry

    def observe(self, change: Change, definition: Object) -> None:
        """A definition came, changed or went."""
        name = meta.name(definition)
        if change == "DELETED" or not definitions.is_served(definition):
            self._withdraw(name)
            return
        before = self._served.get(name)
        if before is not None and _needs_nothing_new(before.definition, definition):
            shown_before = _appearance(before.definition)
            before.definition = definition
            self._mark_ending(before)
            if shown_before != _appearance(definition):
                self._publish()
            return
        self._remove(name)
        try:
            self._served[name] = self._serve(definition)
        except (KeyError, ValueError, StatusError):
            log.exception("custom resource %s cannot be served", name)
        self._publish()

    async def late(self, info: RequestInfo) -> bool:
        """Whether the resource is here once all definitions are seen that exist by now, wherever they were made."""
        if info.api_prefix != "apis" or "." not in info.group:
            return False
        try:
            await self._registry.store_of(CUSTOM_RESOURCE_DEFINITIONS).cacher.fresh()
        except StatusError:
            return False
        rs = self._registry.store_of(CUSTOM_RESOURCE_DEFINITIONS)
        entry = rs.cached("", f"{info.resource}.{info.group}")
        if entry is None or not definitions.is_served(entry.object):
            return False
        known = self._served.get(meta.name(entry.object))
        if known is None or meta.resource_version(known.definition) != meta.resource_version(entry.object):
            self.observe("MODIFIED", entry.object)
        return True

    def store_of(self, definition: Object) -> ResourceStore | None:
        """The store of a definition's objects, in the version they are stored in."""
        served = self._served.get(meta.name(definition))
        return served.stores.get(definitions.storage_version(definition)) if served is not None else None

    # --- one definition

    def _serve(self, definition: Object) -> _Served:
        schemas = schemas_of(definition)
        converter = converter_of(definition, self._webhooks)
        storage = definitions.storage_version(definition)
        group = definition["spec"]["group"]
        ownership = ownership_of(definition, converter)
        ending = _Ending()
        found = _Served(definition, versions_of(definition, schemas), {}, [], ending, {})
        for version in found.versions:
            resource = version.resource
            if self._registry.has(resource.gvr) and resource.gvr not in {
                other.resource.gvr for served in self._served.values() for other in served.versions
            }:
                log.warning("custom resource %s is hidden by a built-in one", resource.gvr)
                continue
            form = CustomForm(group, schemas, resource.gvk.version, storage, converter)
            rs = ResourceStore(
                resource, self._registry.store_for(resource), hooks=ending, form=form, ownership=ownership
            )
            found.stores[resource.gvk.version] = rs
            found.running.append(self._tasks.start(rs.cacher.run(), name=f"cacher {resource.gvr}", crash=False))
            if version.served:
                self._registry.add(rs)
                install_resource(self._router, self._backend, resource)
        self._mark_ending(found)
        return found

    def _withdraw(self, name: str) -> None:
        if name in self._served:
            self._remove(name)
            self._publish()

    def _remove(self, name: str) -> None:
        served = self._served.pop(name, None)
        if served is None:
            return
        for task in served.running:
            task.cancel()
        for rs in served.stores.values():
            if self._registry.has(rs.resource.gvr):
                self._registry.remove(rs)
            self._router.remove_resource(rs.resource)

    @staticmethod
    def _mark_ending(served: _Served) -> None:
        ending = definitions.is_true(served.definition, definitions.TERMINATING)
        group, plural = served.definition["spec"]["group"], definitions.accepted_names(served.definition)["plural"]
        served.ending.refusing = f"{plural}.{group}" if ending else ""

    # --- what clients are told

    def _publish(self) -> None:
        told = [
            (served, version)
            for served in self._served.values()
            if definitions.is_true(served.definition, definitions.ESTABLISHED)
            for version in served.versions
            if version.served and version.resource.gvk.version in served.stores
        ]
        self._discovery.update(version.discovered(served.definition) for served, version in told)
        self._documents.update([(version.resource, *_documented(served, version)) for served, version in told])


def _documented(served: _Served, version: CustomVersion) -> _Shown:
    """Definitions for OpenAPI v2 and v3, made once."""
    name = version.resource.gvk.version
    if name not in served.shown:
        schema = openapi.published(version.schema)
        served.shown[name] = (
            openapi.definitions(version.resource, schema, version.selectable, v2=True),
            openapi.definitions(version.resource, schema, version.selectable, v2=False),
        )
    return served.shown[name]


def _needs_nothing_new(before: Object, after: Object) -> bool:
    return bool(
        meta.uid(before) == meta.uid(after)
        and before["spec"] == after["spec"]
        and definitions.accepted_names(before) == definitions.accepted_names(after)
    )


def _appearance(definition: Object) -> tuple[bool, bool]:
    is_true = definitions.is_true
    return is_true(definition, definitions.ESTABLISHED), is_true(definition, definitions.TERMINATING)
