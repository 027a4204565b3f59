"""The HTTPS transport: aiohttp's client on one session, with client certificates or bearer tokens.

Several addresses of one cluster may be given, and changed while it runs; requests stay on one until that fails, then
move to the next (`changeover`). Reads that failed with it are repeated, writes are not: they may have taken effect.
"""

import asyncio
import logging
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from pynetes.client import requestmetrics
from pynetes.client.changeover import STREAM_PATIENCE, Changeover
from pynetes.client.connector import Connector
from pynetes.client.servers import Servers
from pynetes.client.transport import TransportError, TransportRequest, TransportResponse, TransportStream
from pynetes.component import certificates, clock
from pynetes.component.tasks import BackgroundTasks

log = logging.getLogger(__name__)

REQUEST_TIMEOUT = 65.0
"""Seconds for a whole answer: just above the API server's own limit of 60."""
CONNECT_TIMEOUT = 10.0
CHANGEOVER_TIMEOUT = 3.0
"""The same where there is another server to go to; also for the question whether one is ready."""
IDLE_SECONDS = 30.0
"""How long an unused connection is kept: shorter than servers do, which would close it under a request."""
TOKEN_RELOAD_PERIOD = 10.0

_SAFE = ("GET", "HEAD")
_FAULTS = (aiohttp.ClientError, OSError, asyncio.TimeoutError)

T = TypeVar("T")


class TokenFile:
    """A bearer token in a file that someone rotates: read again every few seconds, and after a 401."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._token = ""
        self._read_at = float("-inf")

    def __call__(self) -> str:
        if clock.monotonic() - self._read_at >= TOKEN_RELOAD_PERIOD:
            try:
                self._token = self._path.read_text().strip()
            except OSError:
                if not self._token:
                    raise
            self._read_at = clock.monotonic()
        return self._token

    def expire(self) -> None:
        self._read_at = float("-inf")


class WatchedFiles:
    """Files that someone renews: looked at every few seconds."""

    def __init__(self, *paths: str | Path) -> None:
        self._paths = tuple(Path(path) for path in paths)
        self._seen = self._state()
        self._looked_at = clock.monotonic()

    def changed(self) -> bool:
        """Whether the files are others than when this was last asked."""
        if clock.monotonic() - self._looked_at < TOKEN_RELOAD_PERIOD:
            return False
        self._looked_at = clock.monotonic()
        state = self._state()
        if state == self._seen or None in state:
            return False
        self._seen = state
        return True

    def _state(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_identity(path) for path in self._paths)


class CertificateFiles(WatchedFiles):
    """A client certificate and its key."""

    def __init__(self, certificate: str | Path, key: str | Path) -> None:
        super().__init__(certificate, key)

    def load_into(self, context: ssl.SSLContext) -> None:
        certificate, key = self._paths
        context.load_cert_chain(certificate, key)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def tls_context(
    *,
    ca_data: bytes | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    cert_data: bytes | None = None,
    key_data: bytes | None = None,
    insecure: bool = False,
) -> ssl.SSLContext:
    """A client's TLS settings. Without a CA the machine's own trust store is used."""
    context = certificates.trusting(ca_data.decode() if ca_data else "")
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert_data and key_data:
        with _private_file(cert_data) as cert, _private_file(key_data) as key:
            context.load_cert_chain(cert, key)
    elif cert_file:
        context.load_cert_chain(cert_file, key_file or None)
    context.set_alpn_protocols(["http/1.1"])
    return context


@contextmanager
def _private_file(data: bytes) -> Iterator[str]:
    """`ssl` takes certificates from files only."""
    descriptor, path = tempfile.mkstemp(prefix="pynetes-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        yield path
    finally:
        os.unlink(path)


class HTTPSTransport:
    """Talks to the API servers at `servers` (`https://host:port`, optionally with a path prefix)."""

    def __init__(
        self,
        servers: str | Sequence[str],
        *,
        tls: ssl.SSLContext | None = None,
        token: str | Callable[[], str] | None = None,
        server_name: str | None = None,
        headers: Mapping[str, str] | None = None,
        certificate_files: CertificateFiles | None = None,
        prefer_first: bool = False,
    ) -> None:
        """`prefer_first`: back to the first server whenever it serves (again)."""
        addresses = [servers] if isinstance(servers, str) else list(servers)
        self._servers = Servers(addresses, prefer_first=prefer_first)
        self._changeover = Changeover(self._servers, self._is_ready)
        self._tasks = BackgroundTasks("transport")
        self._watched = False
        self._tls = tls
        self._token = token
        self._server_name = server_name
        self._headers = list((headers or {}).items())
        self._certificate_files = certificate_files
        self._session: aiohttp.ClientSession | None = None
        self._outdated: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def server(self) -> str:
        """The address in use."""
        return self._servers.current

    @property
    def servers(self) -> list[str]:
        """All addresses."""
        return list(self._servers.addresses)

    def set_servers(self, addresses: Sequence[str]) -> bool:
        """The servers that live are these; whether that is news. Requests under way end where they are."""
        return self._servers.update(addresses)

    async def request(self, request: TransportRequest, *, timeout: float | None = None) -> TransportResponse:
        repeats = len(self._servers.addresses) - 1 if request.method in _SAFE else 0
        while True:
            server = self._servers.current
            try:
                return await self._whole(request, timeout)
            except TransportError:
                if not repeats or self._servers.current == server:
                    raise
            repeats -= 1

    async def _whole(self, request: TransportRequest, timeout: float | None) -> TransportResponse:
        limit = aiohttp.ClientTimeout(total=timeout or REQUEST_TIMEOUT, sock_connect=self._connect_timeout)
        response, server = await self._send(request, limit)
        try:
            async with response, self._changeover.waiting(server):
                data = await response.read()
        except _FAULTS as error:
            raise self._fault(request, server, error) from error
        self._note_status(response.status, server)
        return TransportResponse(response.status, _lower(response.headers), data)

    @asynccontextmanager
    async def stream(self, request: TransportRequest) -> AsyncIterator[TransportStream]:
        limit = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout)
        response, server = await self._send(request, limit)
        self._note_status(response.status, server)
        try:
            chunks = self._chunks(response, request, server)
            yield TransportStream(response.status, _lower(response.headers), chunks)
        finally:
            response.close()

    async def _chunks(
        self, response: aiohttp.ClientResponse, request: TransportRequest, server: str
    ) -> AsyncIterator[bytes]:
        try:
            while not response.content.at_eof():
                async with self._changeover.waiting(server, STREAM_PATIENCE):
                    chunk = await response.content.readany()
                if chunk:
                    yield chunk
        except _FAULTS as error:
            raise self._fault(request, server, error) from error

    async def _send(
        self, request: TransportRequest, limit: aiohttp.ClientTimeout
    ) -> tuple[aiohttp.ClientResponse, str]:
        """The answer's head, from the first address that takes the connection, and that address."""
        await self._renew_certificate()
        session = self._open()
        all_headers = [*self._headers, *request.headers.items()]
        if self._token is not None:
            token = self._token if isinstance(self._token, str) else self._token()
            all_headers = [h for h in all_headers if h[0] != "Authorization"]
            all_headers.append(("Authorization", f"Bearer {token}"))
        tried = 0
        while True:
            server = self._servers.current
            try:
                async with self._changeover.waiting(server):
                    response = await self._observed(
                        session,
                        request.method,
                        _url(URL(server), request),
                        headers=all_headers,
                        data=request.body,
                        timeout=limit,
                        allow_redirects=False,
                        server_hostname=self._server_name,
                    )
                return response, server
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                self._servers.leave(server)
                tried += 1
                if tried >= len(self._servers.addresses):
                    raise self._fault(request, server, error) from error
            except _FAULTS as error:
                self._changeover.suspect(server)
                raise self._fault(request, server, error) from error

    @staticmethod
    async def _observed(
        session: aiohttp.ClientSession, method: str, url: URL, **options: Any
    ) -> aiohttp.ClientResponse:
        began, status = clock.monotonic(), None
        try:
            response = await session.request(method, url, **options)
            status = response.status
            return response
        finally:
            requestmetrics.observe(method, f"{url.host}:{url.port}", status, clock.monotonic() - began)

    @property
    def _connect_timeout(self) -> float:
        return CHANGEOVER_TIMEOUT if self._servers.several else CONNECT_TIMEOUT

    def _fault(self, request: TransportRequest, server: str, error: BaseException) -> TransportError:
        left = isinstance(error, TimeoutError) and server != self._servers.current
        why = "the server does not answer, and was left for another" if left else _describe(error)
        return TransportError(f"{request.method} {server}{request.path}: {why}")

    async def _is_ready(self, server: str) -> bool:
        """Asked over a connection of its own: those that are there may lead nowhere."""
        timeout = aiohttp.ClientTimeout(total=CHANGEOVER_TIMEOUT)
        connector = Connector(ssl=self._tls or True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.get(f"{server}/readyz", server_hostname=self._server_name) as response,
            ):
                return response.status < 500
        except _FAULTS:
            return False

    async def _renew_certificate(self) -> None:
        """With a renewed certificate, requests go over new connections; those under way end on the old ones."""
        files = self._certificate_files
        if files is None or self._tls is None or not files.changed():
            return
        try:
            files.load_into(self._tls)
        except (OSError, ssl.SSLError) as error:
            log.warning("the client certificate is not renewed: %s", error)
            return
        older, self._outdated, self._session = self._outdated, self._session, None
        if older is not None:
            await older.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise TransportError("the transport is closed")
        if self._servers.several and not self._watched:
            self._watched = True
            self._tasks.start(self._changeover.run(), name="change-over")
        if self._session is None:
            connector = Connector(ssl=self._tls or True, keepalive_timeout=IDLE_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    def _note_status(self, status: int, server: str) -> None:
        if status >= 500:
            self._changeover.suspect(server)
        if status == 401 and isinstance(self._token, TokenFile):
            self._token.expire()

    async def close(self) -> None:
        self._closed = True
        await self._tasks.close()
        for session in (self._session, self._outdated):
            if session is not None:
                await session.close()
        self._session = self._outdated = None


def _url(server: URL, request: TransportRequest) -> URL:
    path = request.path.strip("/")
    url = server.joinpath(*path.split("/")) if path else server
    return url.with_query(list(request.query)) if request.query else url


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _describe(error: BaseException) -> str:
    return str(error) or type(error).__name__
