"""The API server towards kubelets: where one listens, and requests to it over TLS with our client certificate."""

import logging
import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from msgspec import Struct
from yarl import URL

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.streaming import dial
from pynetes.apimachinery.tls_errors import unverified
from pynetes.apis.names import NODES
from pynetes.apiserver.objects import ObjectReader
from pynetes.client.https import WatchedFiles
from pynetes.client.session import SessionOwner
from pynetes.component import certificates

log = logging.getLogger(__name__)

DEFAULT_PORT = 10250
_ERROR_BODY = 50_000

Query = Sequence[tuple[str, str]]


class KubeletSettings(Struct, frozen=True):
    """Upstream's kubelet flags. Without an authority, serving certificates of kubelets are not verified."""

    client_certificate: Path | None = None
    client_key: Path | None = None
    certificate_authority: Path | None = None
    preferred_address_types: tuple[str, ...] = ("InternalIP", "Hostname", "ExternalIP")
    timeout: float = 5.0


class Location(Struct, frozen=True):
    host: str
    port: int


class KubeletClient(SessionOwner):
    """Reaches kubelets."""

    def __init__(self, objects: ObjectReader, settings: KubeletSettings) -> None:
        super().__init__()
        self._objects = objects
        self._settings = settings
        files = (settings.client_certificate, settings.client_key, settings.certificate_authority)
        self._files = WatchedFiles(*(path for path in files if path is not None))
        self._tls = self._context(verify=True)

    @property
    def tls(self) -> ssl.SSLContext:
        """For connections that are made now; those there are keep what they were made with."""
        if self._files.changed():
            try:
                self._tls = self._context(verify=True)
            except (OSError, ssl.SSLError) as error:  # perhaps half of it is written
                log.warning("certificates for kubelets stay as they were: %s", error)
        return self._tls

    async def location(self, node_name: str) -> Location:
        """Where a node's kubelet listens; `StatusError` if the node is gone or has no address."""
        node = await self._objects.get(NODES, node_name)
        return location_of(node, self._settings.preferred_address_types)

    async def _location_for_pod(self, node_name: str) -> Location:
        """The same while a pod is asked for: what is missing then is called one, as the original does."""
        try:
            return await self.location(node_name)
        except StatusError as error:
            raise errors.not_found("pods", node_name) if error.reason == "NotFound" else error from None

    async def upgrade(
        self, node_name: str, path: str, query: Query, headers: Sequence[tuple[str, str]], *, method: str = "POST"
    ) -> dial.Answer:
        """Asks a kubelet to switch protocols; `StatusError` 500 if it cannot be reached."""
        where = await self._location_for_pod(node_name)
        target = target_of(path, query)
        host = ("Host", host_port(where))
        try:
            return await dial.dial(
                where.host,
                where.port,
                method,
                target,
                [host, *headers],
                tls=self.tls,
                timeout=self._settings.timeout,
            )
        except dial.DialError as error:
            raise errors.internal(str(error)) from error

    async def get(self, node_name: str, path: str, query: Query, *, verify: bool = True) -> aiohttp.ClientResponse:
        """A GET whose answer is read bit by bit; the caller closes it."""
        where = await self._location_for_pod(node_name)
        url = f"https://{host_port(where)}{target_of(path, query)}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._settings.timeout)
        try:
            return await self.session().get(
                URL(url, encoded=True),
                ssl=self.tls if verify else self._context(verify=False),
                timeout=timeout,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise StatusError(500, "", f'Get "{url}": {describe(error)}') from error

    def _make_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)

    def _context(self, *, verify: bool) -> ssl.SSLContext:
        settings = self._settings
        authority = settings.certificate_authority if verify else None
        return certificates.client_context(authority, settings.client_certificate, settings.client_key)


def location_of(node: Mapping[str, Any], preferred: Sequence[str]) -> Location:
    """The first address of a preferred type, and the kubelet's port."""
    status = node.get("status") or {}
    addresses = status.get("addresses") or []
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port") or DEFAULT_PORT
    for kind in preferred:
        for address in addresses:
            if address.get("type") == kind and address.get("address"):
                return Location(address["address"], int(port))
    known = " ".join(f"{{{a.get('type', '')} {a.get('address', '')}}}" for a in addresses)
    raise errors.StatusError(500, "", f"no preferred addresses found; known addresses: [{known}]")


def host_port(where: Location) -> str:
    return f"[{where.host}]:{where.port}" if ":" in where.host else f"{where.host}:{where.port}"


def target_of(path: str, query: Query) -> str:
    """Path and query as they go over the wire; the path is decoded."""
    encoded = urlencode(query)
    target = quote(path, safe="/:@!$&'()*+,;=~")
    return f"{target}?{encoded}" if encoded else target


async def refusal(resource: str, name: str, response: aiohttp.ClientResponse) -> StatusError:
    """The error that a kubelet's refusal stands for."""
    text = (await response.content.read(_ERROR_BODY)).decode(errors="replace")
    return refused(resource, name, response.status, text)


def refused(resource: str, name: str, status: int, text: str) -> StatusError:
    """Upstream's reading of a backend's error: 500 and 400 with its text, others as unexpected answers."""
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.internal(text)
    if status == HTTPStatus.BAD_REQUEST:
        return errors.bad_request(text)
    reason, message = errors.of_answer(status, text)
    details = {
        "name": name,
        "kind": resource,
        "causes": [{"reason": "UnexpectedServerResponse", "message": text.strip() or "unknown"}],
    }
    return StatusError(status, reason, f"{message} ( {resource} {name})", details)


def describe(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return unverified(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return dial.unreachable(error.host, error.port or 0, error.os_error)
    return str(error) or type(error).__name__
