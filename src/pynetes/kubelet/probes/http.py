"""HTTP requests of probes and lifecycle hooks: a GET on the container, whatever its certificate says."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from pynetes.client.session import SessionOwner
from pynetes.kubelet.probes.outcome import Outcome
from pynetes.kubelet.probes.ports import join_host_port, resolve_port

_MAX_BODY = 10 * 1024
_MAX_REDIRECTS = 10
_VERSION = "1.36"


class Request(Struct, frozen=True):
    url: str
    headers: tuple[tuple[str, str], ...]


def build_request(action: Mapping[str, Any], container: Mapping[str, Any], pod_ip: str, purpose: str) -> Request:
    """From an `httpGet`; `purpose` (`probe`, `lifecycle`) goes into User-Agent. Raises ProbeError for a bad port."""
    scheme = (action.get("scheme") or "HTTP").lower()
    host = action.get("host") or pod_ip
    port = resolve_port(action["port"], container)
    headers = [(h["name"], h.get("value") or "") for h in action.get("httpHeaders") or ()]
    named = {name.lower(): value for name, value in headers}
    if "user-agent" not in named:
        headers.append(("User-Agent", f"kube-{purpose}/{_VERSION}"))
    if "accept" not in named:
        headers.append(("Accept", "*/*"))
    elif not named["accept"]:
        headers = [(name, value) for name, value in headers if name.lower() != "accept"]
    return Request(_url(scheme, join_host_port(host, port), action.get("path") or "/"), tuple(headers))


def _url(scheme: str, authority: str, path: str) -> str:
    parts = urlsplit(path)
    target = parts.path if parts.path.startswith("/") else "/" + parts.path
    return urlunsplit((scheme, authority, target, parts.query, ""))


class HTTPProber(SessionOwner):
    """One session for all probes: no connection is kept, as each probe must prove that a new one can be made."""

    def __init__(self) -> None:
        super().__init__()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    async def get(self, request: Request, timeout: float | None) -> tuple[int, str]:
        """Status and the beginning of the body. Redirects are followed as long as they stay on the host.
        Raises OSError, TimeoutError, aiohttp.ClientError."""
        url = URL(request.url, encoded=True)
        host = url.host
        async with asyncio.timeout(timeout):
            for _ in range(_MAX_REDIRECTS):
                async with self.session().get(
                    url, headers=CIMultiDict(request.headers), allow_redirects=False, ssl=self._tls
                ) as response:
                    body = (await response.content.read(_MAX_BODY)).decode(errors="replace")
                    target = response.headers.get("Location")
                    if not 300 <= response.status < 400 or not target:
                        return response.status, body
                    following = url.join(URL(target))
                    if following.host != host:
                        return response.status, body
                    url = following
        raise aiohttp.ClientError("stopped after 10 redirects")

    def _make_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=0, use_dns_cache=False),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def probe(self, request: Request, timeout: float) -> Outcome:
        try:
            status, body = await self.get(request, timeout)
        except TimeoutError:
            why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            return Outcome("failure", f'Get "{request.url}": {why}')
        except (OSError, aiohttp.ClientError) as error:
            return Outcome("failure", f'Get "{request.url}": {explain(error, URL(request.url).authority)}')
        if 200 <= status < 300:
            return Outcome("success", body)
        if 300 <= status < 400:
            return Outcome("warning", f"Probe terminated redirects, Response body: {body}")
        return Outcome("failure", f"HTTP probe failed with statuscode: {status}")


def explain(error: BaseException, address: str) -> str:
    """As Go says it, for people search for these words."""
    system = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(system, ConnectionRefusedError):
        return f"dial tcp {address}: connect: connection refused"
    if isinstance(system, OSError) and system.strerror and isinstance(error, (aiohttp.ClientConnectorError, OSError)):
        return f"dial tcp {address}: connect: {system.strerror.lower()}"
    if isinstance(error, (aiohttp.ServerDisconnectedError, ConnectionResetError)):
        return "EOF"
    return str(error)
