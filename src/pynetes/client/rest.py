"""Verbs on resources: the REST client that every component uses.

Every method takes a GroupVersionResource and plain dicts. `namespace=None` means cluster scope, or all namespaces for
collections. A refusal is a `StatusError`; a connection that failed is a `TransportError`.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client import watch as frames
from pynetes.client.transport import Query, Transport, TransportRequest, TransportResponse
from pynetes.client.watch import WatchEvent
from pynetes.component import clock

PatchType = Literal["merge", "json", "strategic", "apply"]
Object = dict[str, Any]

PATCH_CONTENT_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_METADATA_ACCEPT = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
MAX_RETRIES = 10
"""How often a request is sent again because the server said Retry-After (as client-go)."""


class Client:
    """Verbs over a transport. Safe to share between tasks."""

    def __init__(self, transport: Transport, *, user_agent: str = "pynetes") -> None:
        self.transport = transport
        self.user_agent = user_agent

    async def get(
        self,
        gvr: GroupVersionResource,
        name: str,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> Object:
        query = _query(resourceVersion=resource_version)
        headers = _metadata_headers("") if metadata_only else {}
        return await self._object("GET", gvr.path(namespace, name, subresource), query, headers=headers)

    async def list(
        self,
        gvr: GroupVersionResource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_: str = "",
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> Object:
        """The List object; its items carry apiVersion and kind, which the wire leaves out."""
        query = _query(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=str(limit) if limit else "",
            resourceVersion=resource_version,
            **{"continue": continue_},
        )
        headers = _metadata_headers("List") if metadata_only else {}
        found = await self._object("GET", gvr.path(namespace), query, headers=headers)
        return _with_types(found)

    async def create(
        self,
        gvr: GroupVersionResource,
        obj: Object,
        namespace: str | None = None,
        *,
        name: str | None = None,
        subresource: str | None = None,
        field_manager: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """POST to the collection, or to `name`'s subresource (bindings, evictions, tokens)."""
        namespace = namespace or (obj.get("metadata") or {}).get("namespace")
        query = _query(fieldManager=field_manager, dryRun="All" if dry_run else "")
        return await self._object("POST", gvr.path(namespace, name, subresource), query, obj)

    async def update(
        self,
        gvr: GroupVersionResource,
        obj: Object,
        *,
        subresource: str | None = None,
        field_manager: str | None = None,
    ) -> Object:
        meta = obj["metadata"]
        path = gvr.path(meta.get("namespace"), meta["name"], subresource)
        return await self._object("PUT", path, _query(fieldManager=field_manager), obj)

    async def update_status(self, gvr: GroupVersionResource, obj: Object) -> Object:
        return await self.update(gvr, obj, subresource="status")

    async def patch(
        self,
        gvr: GroupVersionResource,
        name: str,
        patch: Object | Sequence[Any],
        namespace: str | None = None,
        *,
        type: PatchType = "merge",
        subresource: str | None = None,
        field_manager: str | None = None,
        force: bool = False,
    ) -> Object:
        query = _query(fieldManager=field_manager, force="true" if force else "")
        headers = {"Content-Type": PATCH_CONTENT_TYPES[type]}
        return await self._object("PATCH", gvr.path(namespace, name, subresource), query, patch, headers)

    async def delete(
        self,
        gvr: GroupVersionResource,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_seconds: int | None = None,
        propagation_policy: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Object:
        """The deleted object, or a Status. `uid` and `resource_version` are preconditions (409 if they fail)."""
        options = _delete_options(grace_period_seconds, propagation_policy, uid, resource_version)
        return await self._object("DELETE", gvr.path(namespace, name), (), options)

    async def delete_collection(
        self,
        gvr: GroupVersionResource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        grace_period_seconds: int | None = None,
        propagation_policy: str | None = None,
    ) -> None:
        query = _query(labelSelector=label_selector, fieldSelector=field_selector)
        options = _delete_options(grace_period_seconds, propagation_policy, None, None)
        await self._object("DELETE", gvr.path(namespace), query, options)

    async def watch(
        self,
        gvr: GroupVersionResource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str | None = None,
        timeout_seconds: int | None = None,
        allow_bookmarks: bool = True,
        metadata_only: bool = False,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Events until the server ends the stream. Close the iterator (`aclosing`) to end it early."""
        query = _query(
            watch="true",
            labelSelector=label_selector,
            fieldSelector=field_selector,
            resourceVersion=resource_version,
            timeoutSeconds=str(timeout_seconds) if timeout_seconds else "",
            allowWatchBookmarks="true" if allow_bookmarks else "",
        )
        headers = {**self._headers(), **(_metadata_headers("") if metadata_only else {})}
        request = TransportRequest("GET", gvr.path(namespace), query, headers)
        async with self.transport.stream(request) as stream:
            if stream.status != 200:
                body = b"".join([chunk async for chunk in stream.chunks])
                raise _error(TransportResponse(stream.status, stream.headers, body))
            async for event in frames.events(stream.chunks):
                yield event

    async def raw(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> TransportResponse:
        """Any request; answers of any status are returned, none is raised."""
        return await self._send(TransportRequest(method, path, query, {**self._headers(), **headers}, body))

    async def close(self) -> None:
        await self.transport.close()

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "User-Agent": self.user_agent}

    async def _object(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: Object | Sequence[Any] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Object:
        encoded = None if body is None else json_writer.encode(body)
        sent = self._headers()
        if encoded is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers)
        response = await self._send(TransportRequest(method, path, query, sent, encoded))
        if response.status >= 400:
            raise _error(response)
        found: Object = orjson.loads(response.body)
        return found

    async def _send(self, request: TransportRequest) -> TransportResponse:
        for _ in range(MAX_RETRIES):
            response = await self.transport.request(request)
            wait = _retry_after(response)
            if wait is None:
                return response
            await clock.sleep(wait)
        return response


def _retry_after(response: TransportResponse) -> float | None:
    """Seconds to wait before sending again what the server had no room for; None to take the answer."""
    if response.status != 429 and response.status < 500:
        return None
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


def _query(**values: str | None) -> list[tuple[str, str]]:
    return [(key, value) for key, value in values.items() if value]


def _metadata_headers(suffix: str) -> dict[str, str]:
    return {"Accept": _METADATA_ACCEPT.format(suffix)}


def _delete_options(
    grace: int | None, propagation: str | None, uid: str | None, resource_version: str | None
) -> Object | None:
    options: Object = {}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    if propagation:
        options["propagationPolicy"] = propagation
    wanted = {k: v for k, v in (("uid", uid), ("resourceVersion", resource_version)) if v}
    if wanted:
        options["preconditions"] = wanted
    return {"kind": "DeleteOptions", "apiVersion": "v1", **options} if options else None


def _with_types(found: Object) -> Object:
    items = found.get("items")
    if items is None:
        found["items"] = []
        return found
    kind = found.get("kind", "").removesuffix("List")
    for item in items:
        if "kind" not in item:
            item["kind"] = kind
            item["apiVersion"] = found["apiVersion"]
    return found


def _error(response: TransportResponse) -> StatusError:
    try:
        status = orjson.loads(response.body)
        if isinstance(status, dict) and status.get("kind") == "Status":
            return StatusError.from_status(status, response.status)
    except ValueError:
        pass
    text = response.body.decode(errors="replace").strip()
    return StatusError(response.status, "", text or f"the server answered with status {response.status}")
