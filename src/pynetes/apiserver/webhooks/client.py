"""Sends a review to a webhook and reads its answer.

async with WebhookClient(objects) as webhooks:
    review = await webhooks.call(ClientConfig.of(config), review, timeout=10)
"""

import asyncio
import base64
import binascii
import posixpath
import socket
import ssl
from functools import lru_cache
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from yarl import URL

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import of_answer
from pynetes.apimachinery.streaming.dial import unreachable
from pynetes.apimachinery.tls_errors import unverified
from pynetes.apis.names import SERVICES
from pynetes.apiserver.objects import ObjectReader
from pynetes.apiserver.webhooks.credentials import NOBODY, Credential, Credentials
from pynetes.client.https import tls_context
from pynetes.client.session import SessionOwner
from pynetes.client.transport import Transport, TransportError, TransportRequest
from pynetes.component import certificates

Object = dict[str, Any]

_SERVICE_PORT = 443
_REDIRECTS = 10
_DOMAIN = ".svc"
_SHOWN = 2048
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json, */*"}
#: Whoever calls sets one for the whole.
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)


class WebhookError(Exception):
    """The webhook could not be asked, or did not answer as it must; the text says why, in client-go's words."""


class ClientConfig(Struct, frozen=True):
    """Where a webhook is reached: `url`, or a Service. `ca_bundle` is PEM; empty means the machine's authorities."""

    url: str = ""
    service: str = ""
    namespace: str = ""
    path: str = ""
    port: int = _SERVICE_PORT
    ca_bundle: bytes = b""

    @classmethod
    def of(cls, config: Object) -> Self:
        """From a `WebhookClientConfig`."""
        bundle = _decoded(config.get("caBundle") or "")
        service = config.get("service")
        if service is None:
            return cls(url=config.get("url") or "", ca_bundle=bundle)
        return cls(
            service=service.get("name") or "",
            namespace=service.get("namespace") or "",
            path=service.get("path") or "",
            port=service.get("port") or _SERVICE_PORT,
            ca_bundle=bundle,
        )

    @property
    def is_this_server(self) -> bool:
        return not self.url and (self.namespace, self.service, self.port) == ("default", "kubernetes", _SERVICE_PORT)

    @property
    def target(self) -> str:
        """The URL asked. That of a Service names it as certificates do (`name.namespace.svc`)."""
        if self.url:
            parts = urlsplit(self.url)
            return urlunsplit(parts._replace(path=_clean(parts.path)))
        return f"https://{self.service}.{self.namespace}{_DOMAIN}:{self.port}{_clean(self.path)}"


def _clean(path: str) -> str:
    """As client-go asks for it: without empty parts, dots and a slash at the end."""
    return "/" + posixpath.normpath(f"/{path}").lstrip("/")


def _decoded(bundle: str) -> bytes:
    """A bundle of nothing but white space counts as none."""
    try:
        return base64.b64decode(bundle).strip()
    except (binascii.Error, ValueError):
        return b""


def bundle_problem(bundle: bytes) -> str:
    """What is wrong with a CA bundle; empty if it can be used."""
    if not bundle.strip():
        return ""
    try:
        _tls(bundle)
    except WebhookError as error:
        return str(error)
    return ""


def _credential(credentials: Credentials, target: str) -> Credential:
    parts = urlsplit(target)
    return credentials.of(parts.hostname or "", parts.port or _SERVICE_PORT)


@lru_cache(256)
def _tls(bundle: bytes, certificate: bytes = b"", key: bytes = b"") -> ssl.SSLContext:
    try:
        if certificate:
            return tls_context(ca_data=bundle, cert_data=certificate, key_data=key)
        return certificates.trusting(bundle.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise WebhookError("unable to load root certificates: unable to parse bytes as PEM block") from None


class _Services(AbstractResolver):
    """Resolves `name.namespace.svc` to the Service's cluster IP, everything else as the machine does."""

    def __init__(self, objects: ObjectReader) -> None:
        self._objects = objects
        self._machine = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if not host.endswith(_DOMAIN):
            return await self._machine.resolve(host, port, family)
        name, _, namespace = host.removesuffix(_DOMAIN).partition(".")
        target = service_address(self._objects.cached_get(SERVICES, name, namespace), namespace, name, port)
        found = await self._machine.resolve(target, port, family)
        return [{**result, "hostname": host} for result in found]

    async def close(self) -> None:
        await self._machine.close()


def service_address(service: Object | None, namespace: str, name: str, port: int) -> str:
    """Where a Service is reached; OSError, as a failed look-up, if it is not there or has no such port."""
    if service is None:
        raise OSError(None, f'service "{name}" not found')
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec["externalName"])
    address = spec.get("clusterIP") or ""
    if not address or address == "None":
        raise OSError(None, f'service "{name}" has no cluster IP')
    if not any(entry.get("port") == port for entry in spec.get("ports") or ()):
        raise OSError(None, f'no service port {port} found for service "{name}"')
    return str(address)


class WebhookClient(SessionOwner):
    """Calls webhooks."""

    def __init__(self, objects: ObjectReader, loopback: Transport | None = None) -> None:
        """`loopback` reaches this very server as itself: the Service `kubernetes` stands for it, whatever its address.

        So aggregated servers are webhooks by their paths, and know who asks.
        """
        super().__init__()
        self._objects = objects
        self._loopback = loopback

    def _make_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, resolver=_Services(self._objects), use_dns_cache=False)
        return aiohttp.ClientSession(connector=connector)

    async def call(
        self,
        config: ClientConfig,
        review: Object,
        *,
        timeout: float,
        left: float | None = None,
        credentials: Credentials | None = None,
    ) -> Object:
        """The answer to `review`; WebhookError if there is none within `timeout` seconds, or it is no JSON object.

        `left`: after how many seconds the caller gives up, if that is sooner: the webhook is told.
        """
        waits = timeout if left is None else min(timeout, left)
        url = _with_timeout(config.target, waits)
        try:
            data = json_writer.encode(review)
            async with asyncio.timeout(timeout):
                if self._loopback is not None and config.is_this_server:
                    status, kind, body = await _to_itself(self._loopback, _clean(config.path), waits, data)
                else:
                    status, kind, body = await self._post(config, url, data, credentials)
        except TimeoutError:
            raise WebhookError(f'Post "{url}": context deadline exceeded') from None
        except (aiohttp.ClientError, TransportError, OSError, ValueError) as error:
            raise WebhookError(f'Post "{url}": {_why(error)}') from None
        if not 200 <= status <= 206:
            raise WebhookError(refusal(status, kind, body))
        if not body:
            shown = kind or "application/json"
            raise WebhookError(f"0-length response with status code: {status} and content type: {shown}")
        return _parsed(body)

    async def _post(
        self, config: ClientConfig, url: str, data: bytes, credentials: Credentials | None
    ) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        credential, headers = NOBODY if credentials is None else _credential(credentials, config.target), _HEADERS
        if authorization := credential.authorization():
            headers = {**headers, "Authorization": authorization}
        tls = _tls(config.ca_bundle, credential.certificate, credential.key)
        request = self.session().post(
            URL(url, encoded=True), data=data, headers=headers, ssl=tls, timeout=_NO_TIMEOUT, max_redirects=_REDIRECTS
        )
        async with request as answer:
            return answer.status, answer.headers.get("Content-Type", ""), await answer.read()


async def _to_itself(loopback: Transport, path: str, seconds: float, data: bytes) -> tuple[int, str, bytes]:
    query = (("timeout", f"{seconds:g}s"),)
    answer = await loopback.request(TransportRequest("POST", path, query, _HEADERS, data))
    return answer.status, answer.headers.get("content-type", ""), answer.body


def _with_timeout(url: str, seconds: float) -> str:
    """Webhooks are told how long they are waited for."""
    return f"{url}{'&' if urlsplit(url).query else '?'}timeout={seconds:g}s"


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return unverified(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return str(error.os_error.strerror or error.os_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return unreachable(error.host, error.port or _SERVICE_PORT, error.os_error)
    if isinstance(error, aiohttp.TooManyRedirects):
        return f"stopped after {_REDIRECTS} redirects"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    return str(error)


def refusal(status: int, kind: str, body: bytes) -> str:
    """What client-go makes of a status code: the message of a Status, or its own words. `kind` is the content type."""
    try:
        parsed = orjson.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and parsed.get("kind", "Status") == "Status" and parsed.get("status") == "Failure":
        return str(parsed.get("message") or "")
    is_text = not kind or kind.startswith("text/")
    return of_answer(status, body[:_SHOWN].decode("utf-8", "replace").strip() if is_text else "unknown")[1]


def _parsed(body: bytes) -> Object:
    try:
        answer = orjson.loads(body)
    except ValueError as error:
        raise WebhookError(f"couldn't get version/kind; json parse error: {error}") from None
    if not isinstance(answer, dict):
        raise WebhookError("couldn't get version/kind; json parse error: not an object")
    return answer
