"""Proxy of pods, services and nodes: a request goes on to what stands behind the name, its path being what follows.

Names are `name`, `name:port` or `scheme:name:port`. Nothing is rewritten but the path, and the backend's links to
itself in HTML pages and redirects (`links`); upgrades are piped.
"""

import contextlib
import gzip
import io
import ipaddress
import random
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
from msgspec import Struct
from yarl import URL

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.streaming import dial
from pynetes.apis.names import ENDPOINTS, PODS, SERVICES
from pynetes.apiserver.http import Answer, Request, Response, StreamResponse
from pynetes.apiserver.objects import ObjectReader
from pynetes.apiserver.streaming import websocket
from pynetes.apiserver.streaming.kubelet import KubeletClient, describe
from pynetes.apiserver.streaming.links import Links
from pynetes.apiserver.streaming.switch import switched
from pynetes.component import certificates

#: Headers of one connection, which must not travel further; `Authorization` is for us alone.
HOP_BY_HOP = frozenset(
    (
        "authorization",
        "connection",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_CONNECT_TIMEOUT = 30.0
#: Segments of the path up to and with `proxy`: /api/v1/namespaces/NS/pods/NAME/proxy, /api/v1/nodes/NAME/proxy.
_NAMESPACED, _CLUSTER_WIDE = 8, 6


class Backend(Struct, frozen=True):
    """Where a proxied request goes."""

    scheme: str
    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @property
    def host_port(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Proxy:
    """Serves pods/proxy, services/proxy and nodes/proxy."""

    def __init__(self, objects: ObjectReader, kubelets: KubeletClient) -> None:
        self._objects = objects
        self._kubelets = kubelets

    async def pod(self, request: Request, namespace: str, name: str) -> Answer:
        scheme, name, port = split_name(name, "pod")
        pod = await self._objects.get(PODS, name, namespace)
        return await self._forward(request, pod_backend(pod, scheme, port), _NAMESPACED)

    async def service(self, request: Request, namespace: str, name: str) -> Answer:
        identifier = name
        scheme, name, port = split_name(name, "service")
        service = await self._objects.get(SERVICES, name, namespace)
        if port.isdigit():
            port = service_port_name(service, int(port))
        try:
            endpoints = await self._objects.get(ENDPOINTS, name, namespace)
        except StatusError as error:
            raise errors.not_found("services", name) if error.reason == "NotFound" else error from None
        host, number = choose_endpoint(endpoints, port, namespace, identifier)
        return await self._forward(request, _backend(scheme, host, number), _NAMESPACED)

    async def node(self, request: Request, name: str) -> Answer:
        scheme, name, port = split_name(name, "node")
        where = await self._kubelets.location(name)
        if not port or port == str(where.port):
            kubelet = Backend("https", where.host, where.port, self._kubelets.tls)
            return await self._forward(request, kubelet, _CLUSTER_WIDE)
        return await self._forward(request, _backend(scheme, where.host, _port(port)), _CLUSTER_WIDE)

    async def _forward(self, request: Request, backend: Backend, depth: int) -> Answer:
        target = target_of(request, depth)
        if not target.startswith("/") and request.method in ("GET", "HEAD"):
            return _to_root(request)
        target = target if target.startswith("/") else f"/{target}"
        if websocket.is_upgrade(request):
            return await self._upgrade(request, backend, target)
        return await self._request(request, backend, target, prefix_of(request, depth))

    async def _request(self, request: Request, backend: Backend, target: str, prefix: str) -> Answer:
        url = URL(f"{backend.scheme}://{backend.host_port}{target}", encoded=True)
        body = await request.read_body() if request.method not in ("GET", "HEAD", "OPTIONS") else None
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT)
        try:
            response = await self._kubelets.session().request(
                request.method,
                url,
                headers=_forwarded(request, backend),
                data=body,
                ssl=backend.tls or True,
                timeout=timeout,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = f"error trying to reach service: {describe(error)}"
            raise StatusError(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", why) from error
        links = Links(prefix, backend.host_port, request.headers.get("Host", ""))
        headers = {name: value for name, value in response.headers.items() if name.lower() not in OURS}
        if location := response.headers.get("Location"):
            headers["Location"] = links.url(location)
        content_type = response.headers.get("Content-Type", "application/octet-stream")
        length = response.headers.get("Content-Length", "")
        if request.method == "HEAD" or response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            response.release()
            return Response(response.status, b"", content_type, headers)
        if _is_page(response) and not location:
            return await _page(response, content_type, headers, links)
        if length.isdigit() and int(length) <= WHOLE:
            async with response:
                return Response(response.status, await response.read(), content_type, headers, is_object=False)
        return StreamResponse(response.status, content_type, chunks(response), headers)

    async def _upgrade(self, request: Request, backend: Backend, target: str) -> Answer:
        headers = list(_forwarded(request, backend).items())
        headers += [("Host", backend.host_port), ("Connection", "Upgrade"), ("Upgrade", request.headers["Upgrade"])]
        try:
            answer = await dial.dial(
                backend.host, backend.port, request.method, target, headers, tls=backend.tls, timeout=_CONNECT_TIMEOUT
            )
        except dial.DialError as error:
            why = f"error trying to reach service: {error}"
            raise StatusError(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", why) from error
        return switched(answer)


#: Bodies up to this size are sent on whole, so that the connection to the client stays usable.
WHOLE = 256 * 1024
#: Headers of a backend's answer that are ours to write.
OURS = frozenset(
    (
        *HOP_BY_HOP,
        "content-length",
        "content-type",
        "date",
        "audit-id",
        # Which origins may read answers of this server is not a backend's to say.
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
    )
)
#: HTML pages larger than this go on unchanged: they would have to be kept whole.
_LARGEST_PAGE = 16 * 1024 * 1024


def split_name(text: str, kind: str) -> tuple[str, str, str]:
    """`scheme:name:port`, `name:port` or `name` → (scheme, name, port)."""
    parts = text.split(":")
    if len(parts) == 1:
        scheme, name, port = "", parts[0], ""
    elif len(parts) == 2:
        scheme, name, port = "", parts[0], parts[1]
    elif len(parts) == 3:
        scheme, name, port = parts
    else:
        raise errors.bad_request(f'invalid {kind} request "{text}"')
    if not name or scheme not in ("", "http", "https"):
        raise errors.bad_request(f'invalid {kind} request "{text}"')
    return scheme, name, port


def pod_backend(pod: Mapping[str, Any], scheme: str, port: str) -> Backend:
    """A pod's address, and the port asked for or the first that a container declares."""
    addresses = (pod.get("status") or {}).get("podIPs") or []
    host = addresses[0].get("ip", "") if addresses else (pod.get("status") or {}).get("podIP") or ""
    if not proxyable(host):
        raise errors.bad_request("address not allowed")
    if not port:
        containers = (pod.get("spec") or {}).get("containers") or ()
        declared = (p["containerPort"] for container in containers for p in container.get("ports") or ())
        port = str(next(declared, 443 if scheme == "https" else 80))
    return _backend(scheme, host, _port(port))


def proxyable(host: str) -> bool:
    """Loopback, link-local and the like are the API server's own neighbourhood, not for users."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def service_port_name(service: Mapping[str, Any], number: int) -> str:
    for port in (service.get("spec") or {}).get("ports") or ():
        if port.get("port") == number:
            return port.get("name") or ""
    name = service["metadata"]["name"]
    raise errors.service_unavailable(f'no service port {number} found for service "{name}"')


def choose_endpoint(endpoints: Mapping[str, Any], port: str, namespace: str, identifier: str) -> tuple[str, int]:
    """A ready pod behind a service's port, at random; 503 if there is none."""
    found = [
        (address["ip"], int(candidate["port"]))
        for subset in endpoints.get("subsets") or ()
        for candidate in subset.get("ports") or ()
        if (candidate.get("name") or "") == port
        for address in subset.get("addresses") or ()
        if (address.get("targetRef") or {}).get("namespace") == namespace and proxyable(address.get("ip") or "")
    ]
    if not found:
        raise errors.service_unavailable(f'no endpoints available for service "{identifier}"')
    return random.choice(found)


def _backend(scheme: str, host: str, port: int) -> Backend:
    if scheme != "https":
        return Backend("http", host, port)
    # Pods and services show certificates that nobody here can check; upstream does not check them either.
    return Backend("https", host, port, certificates.client_context(None))


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise errors.bad_request(f'invalid port "{text}"')
    return int(text)


def target_of(request: Request, depth: int) -> str:
    """What follows `…/proxy`, path and query, as it came over the wire: the backend sees its own escapes.

    Without a leading slash if nothing follows, not even a slash.
    """
    sent, query = request.path, ""
    if request.raw is not None:
        sent, query = request.raw.rel_url.raw_path, request.raw.rel_url.raw_query_string
    segments = sent.split("/", depth)
    target = f"/{segments[depth]}" if len(segments) > depth else ""
    return f"{target}?{query}" if query else target


def prefix_of(request: Request, depth: int) -> str:
    """The path up to and with `…/proxy`."""
    return "/".join(request.path.split("/", depth)[:depth])


def _to_root(request: Request) -> Response:
    """`…/proxy` → `…/proxy/`, so that relative links of the backend's pages work."""
    query = request.raw.rel_url.raw_query_string if request.raw is not None else ""
    location = f"{request.path}/" + (f"?{query}" if query else "")
    return Response(HTTPStatus.MOVED_PERMANENTLY, b"", "text/plain", {"Location": location})


def _forwarded(request: Request, backend: Backend) -> dict[str, str]:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
    before = request.headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {request.remote}" if before else request.remote
    headers.setdefault("X-Forwarded-Host", request.headers.get("Host", ""))
    headers.setdefault("X-Forwarded-Uri", request.path)
    return headers


def _is_page(response: aiohttp.ClientResponse) -> bool:
    """Whether its links can be found: HTML, and packed in no way but gzip."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == "text/html" and response.headers.get("Content-Encoding", "") in ("", "gzip")


async def _page(
    response: aiohttp.ClientResponse, content_type: str, headers: dict[str, str], links: Links
) -> Response | StreamResponse:
    body = bytearray()
    found = chunks(response)
    async for chunk in found:
        body += chunk
        if len(body) > _LARGEST_PAGE:
            return StreamResponse(response.status, content_type, _resumed(bytes(body), found), headers)
    page = rewritten(bytes(body), response.headers, links)
    return Response(response.status, page, content_type, headers, is_object=False)


def rewritten(body: bytes, headers: Mapping[str, str], links: Links) -> bytes:
    """A page with its links changed; one that claims to be packed and is not stays as it is."""
    if headers.get("Content-Encoding", "") != "gzip":
        return links.page(body)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            page = packed.read(_LARGEST_PAGE + 1)
    except (OSError, EOFError, zlib.error):
        return body
    return body if len(page) > _LARGEST_PAGE else gzip.compress(links.page(page), compresslevel=1)


async def _resumed(start: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield start
    async for chunk in rest:
        yield chunk


async def chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with response:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async for chunk in response.content.iter_any():
                yield chunk
