"""componentstatuses: is the scheduler well, the controller manager, each store? Asked at every request, never stored.

As the original does it: the components are looked for on this machine, at the ports that are theirs by default.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
from msgspec import Struct

from pynetes.apimachinery.errors import StatusError, method_not_supported, not_found
from pynetes.apimachinery.streaming.dial import unreachable
from pynetes.apis.resource import Resource
from pynetes.apiserver.endpoints.selection import check_fields
from pynetes.apiserver.endpoints.tables import include_object, row, table, untyped
from pynetes.apiserver.endpoints.tables import partial as metadata_of
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import MediaType, negotiate
from pynetes.apiserver.options import ListOptions
from pynetes.storage import Store
from pynetes.storage.opening import members, open_store

Object = dict[str, Any]

SECONDS = 20.0
_PORTS = {"controller-manager": 10257, "scheduler": 10259}
_LONGEST_MESSAGE = 10 * 1024


class Health(Struct, frozen=True):
    """A condition's status (True, False or Unknown), message and error."""

    status: str
    message: str = ""
    error: str = ""


Probe = Callable[[], Awaitable[Health]]


def probes(store: Store, url: str) -> dict[str, Probe]:
    """By component. `url`: the store's, whose members are asked one by one if it has several."""
    found = {name: _server(f"https://127.0.0.1:{port}/healthz") for name, port in _PORTS.items()}
    stores = [partial(_opened, member) for member in members(url)] or [partial(_lent, store)]
    return found | {f"etcd-{number}": _store(opened) for number, opened in enumerate(stores)}


def _server(url: str) -> Probe:
    return lambda: probe_server(url)


async def probe_server(url: str) -> Health:
    """Healthy if it answers well; its certificate is not verified, since it may be of the component's own making."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
            session.get(url, timeout=aiohttp.ClientTimeout(total=SECONDS)) as answer,
        ):
            body = (await answer.content.read(_LONGEST_MESSAGE)).decode(errors="replace")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Health("False", f'Get "{url}": {_described(error)}')
    if 200 <= answer.status < 400:
        return Health("True", body)
    return Health("False", f"HTTP probe failed with statuscode: {answer.status}")


def _described(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return unreachable(error.host, error.port or 443, error.os_error)
    return str(error) or type(error).__name__


def _store(opened: Callable[[], AbstractAsyncContextManager[Store]]) -> Probe:
    async def probe() -> Health:
        try:
            async with asyncio.timeout(SECONDS), opened() as store:
                await store.revision()
        except Exception as error:
            return Health("False", error=str(error) or type(error).__name__)
        return Health("True", "ok")

    return probe


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _lent(store: Store) -> AsyncIterator[Store]:
    yield store


def handlers(resource: Resource, probes: Mapping[str, Probe]) -> dict[str, Handler]:
    async def status(name: str) -> Object:
        health = await probes[name]()
        condition = {"type": "Healthy", "status": health.status, "message": health.message, "error": health.error}
        return {
            "kind": resource.gvk.kind,
            "apiVersion": resource.gvk.api_version,
            "metadata": {"name": name},
            "conditions": [{key: value for key, value in condition.items() if value}],
        }

    async def get(request: Request) -> Answer:
        assert request.info is not None
        media, name = negotiate(request), request.info.name
        if name not in probes:
            raise not_found("componentstatus", name)
        return _one(resource, request, media, await status(name))

    async def list_(request: Request) -> Answer:
        media, options = negotiate(request), ListOptions.of(request.query)
        check_fields(resource, options.field_selector)
        found = await asyncio.gather(*map(status, sorted(probes)))
        chosen = [
            obj
            for obj in found
            if options.label_selector.matches({}) and options.field_selector.matches({"metadata.name": _name(obj)})
        ]
        return _many(resource, request, media, chosen)

    async def watch(request: Request) -> Answer:
        raise method_not_supported(resource.plural, "watch")

    return {"get": get, "list": list_, "watch": watch}


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _one(resource: Resource, request: Request, media: MediaType, obj: Object) -> Response:
    transform, out = media.transform, obj
    if transform is not None and transform.kind == "Table":
        rows = [row(resource, obj, include_object(request), transform.api_version)]
        out = table(resource, rows, {}, transform.api_version)
    elif transform is not None and transform.kind == "PartialObjectMetadataList":
        text = f"you requested {transform.kind}, but the requested object is not a list (*core.{resource.gvk.kind})"
        raise StatusError(406, "NotAcceptable", text)
    elif transform is not None:
        out = metadata_of(obj, transform.api_version)
    return Response(200, media.codec.encode(out, media.pretty), media.codec.media_type)


def _many(resource: Resource, request: Request, media: MediaType, objects: list[Object]) -> Response:
    transform, kind = media.transform, resource.gvk.kind
    out: Object
    if transform is None:
        api_version = resource.gvk.api_version
        items = [untyped(obj) for obj in objects]
        out = {"kind": f"{kind}List", "apiVersion": api_version, "metadata": {}, "items": items}
    elif transform.kind == "Table":
        rows = [row(resource, obj, include_object(request), transform.api_version) for obj in objects]
        out = table(resource, rows, {}, transform.api_version)
    elif transform.kind == "PartialObjectMetadataList":
        items = [metadata_of(obj, transform.api_version) for obj in objects]
        out = {"kind": transform.kind, "apiVersion": transform.api_version, "metadata": {}, "items": items}
    else:
        text = f"you requested {transform.kind}, but the requested object is a list (*core.{kind}List)"
        raise StatusError(406, "NotAcceptable", text)
    return Response(200, media.codec.encode(out, media.pretty), media.codec.media_type)
