"""Requests to an extension: TLS with the front proxy's certificate, and headers that state who asks."""

import ssl
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import aiohttp
from msgspec import Struct
from yarl import URL

from pynetes.apis.names import SERVICES
from pynetes.apiserver.aggregation.extension import Extension, resolve
from pynetes.apiserver.authentication.user import PRIVILEGED, UserInfo
from pynetes.apiserver.objects import ObjectReader
from pynetes.client.session import SessionOwner
from pynetes.component import certificates

Headers = Sequence[tuple[str, str]]

#: Who this server is when it asks on its own behalf.
AGGREGATOR = UserInfo("system:kube-aggregator", groups=(PRIVILEGED,))
CONNECT_TIMEOUT = 30.0
#: For what this server asks on its own behalf.
_OWN_TIMEOUT = 5.0
_KEY_CHARACTERS = "!#$&'*+-.^_`|~"


class TrustError(Exception):
    """An extension's authorities, or our certificate, cannot be used."""


class HeaderError(Exception):
    """A user whose name no header can hold."""


class Target(Struct, frozen=True):
    """Where an extension's Service leads."""

    host: str
    port: int
    tls: ssl.SSLContext
    server_name: str

    @property
    def host_port(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Fetched(Struct, frozen=True):
    status: int
    body: bytes
    content_type: str = ""
    etag: str = ""


class Identity(Struct, frozen=True):
    """The front proxy's certificate; files that are renewed are read again."""

    certificate: Path | None = None
    key: Path | None = None

    def stamp(self) -> int:
        """Changes with the file."""
        return self.certificate.stat().st_mtime_ns if self.certificate is not None else 0


class Connections(SessionOwner):
    """The ways to extension API servers."""

    def __init__(self, objects: ObjectReader, identity: Identity) -> None:
        super().__init__()
        self._objects = objects
        self._identity = identity

    def target(self, extension: Extension) -> Target:
        """`Unresolvable` or `TrustError` if there is no way to the extension."""
        tls = self._tls(extension)
        service = self._objects.cached_get(SERVICES, extension.service, extension.namespace)
        host, port = resolve(extension, service)
        return Target(host, port, tls, extension.server_name)

    def _tls(self, extension: Extension) -> ssl.SSLContext:
        identity = self._identity
        try:
            return _context(
                extension.ca_bundle, extension.insecure, identity.certificate, identity.key, identity.stamp()
            )
        except (ssl.SSLError, OSError, ValueError) as error:
            raise TrustError(_trust_problem(error)) from error

    async def send(
        self, target: Target, method: str, path: str, headers: Headers, body: bytes | None, timeout: float | None
    ) -> aiohttp.ClientResponse:
        """The answer, its body unread; `path` with query, as it goes over the wire; seconds, None for no limit."""
        return await self.session().request(
            method,
            URL(f"https://{target.host_port}{path}", encoded=True),
            headers=headers,
            data=body,
            ssl=target.tls,
            server_hostname=target.server_name,
            timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_TIMEOUT),
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def fetch(self, extension: Extension, path: str, accept: str, etag: str = "") -> Fetched:
        """What this server asks for on its own behalf; errors of the connection are raised as they come."""
        headers = [("Accept", accept), *identity_headers(AGGREGATOR)]
        if etag:
            headers.append(("If-None-Match", etag))
        target = self.target(extension)
        async with await self.send(target, "GET", path, headers, None, _OWN_TIMEOUT) as answer:
            body = await answer.read()
            return Fetched(answer.status, body, answer.headers.get("Content-Type", ""), answer.headers.get("ETag", ""))

    def _make_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)


@lru_cache(64)
def _context(bundle: bytes, insecure: bool, certificate: Path | None, key: Path | None, stamp: int) -> ssl.SSLContext:
    """`stamp` changes with the certificate's file."""
    context = certificates.trusting(bundle.decode("ascii"))
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trust_problem(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return str(error)
    return "unable to load root certificates: unable to parse bytes as PEM block"


def identity_headers(user: UserInfo) -> list[tuple[str, str]]:
    """X-Remote-User and its kin; `HeaderError` for values that would end the header they stand in."""
    headers = [("X-Remote-User", user.name)]
    if user.uid:
        headers.append(("X-Remote-Uid", user.uid))
    headers += [("X-Remote-Group", group) for group in user.groups]
    headers += [(f"X-Remote-Extra-{_escaped(key)}", value) for key, values in user.extra.items() for value in values]
    for name, value in headers:
        if not _sendable(value):
            raise HeaderError(f'net/http: invalid header field value for "{name}"')
    return headers


def _escaped(key: str) -> str:
    return quote(key, safe=_KEY_CHARACTERS)


def _sendable(value: str) -> bool:
    return all(character == "\t" or (" " <= character != "\x7f") for character in value)


def without_identity(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A client's headers without all that states, or changes, who asks: that is this server's to say."""
    return [(name, value) for name, value in headers if not name.lower().startswith(("x-remote-", "impersonate-"))]
