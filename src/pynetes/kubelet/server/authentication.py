"""Who calls: a client certificate of the cluster's CA, or a bearer token that the API server vouches for."""

import hashlib
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import TOKEN_REVIEWS
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

log = logging.getLogger(__name__)

_CACHE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class User:
    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def from_certificate(certificate: Mapping[str, Any] | None) -> User | None:
    """The user in a verified certificate, as `SSLObject.getpeercert()` gives it: CN is the name, O the groups."""
    if not certificate:
        return None
    subject = [pair for rdn in certificate.get("subject") or () for pair in rdn]
    names = [value for key, value in subject if key == "commonName"]
    groups = tuple(value for key, value in subject if key == "organizationName")
    return User(names[0], groups=(*groups, "system:authenticated")) if names else None


def tls_context(certificate: str, key: str, client_ca: str) -> ssl.SSLContext:
    """Asks for a client certificate but takes callers without: they may have a token. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


class TokenAuthenticator:
    """Asks the API server about tokens (TokenReview) and remembers its answers for two minutes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[bytes, tuple[float, User | None]] = {}

    async def authenticate(self, token: str) -> User | None:
        """None for a token that is not valid, or cannot be checked now."""
        key = hashlib.sha256(token.encode()).digest()
        now = clock.monotonic()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        try:
            user = await self._review(token)
        except (StatusError, TransportError) as error:
            log.warning("token review failed: %s", error)
            return None
        self._known = {k: v for k, v in self._known.items() if v[0] > now}
        self._known[key] = (now + _CACHE_SECONDS, user)
        return user

    async def _review(self, token: str) -> User | None:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = (await self._client.create(TOKEN_REVIEWS, body)).get("status") or {}
        if not status.get("authenticated"):
            return None
        user = status.get("user") or {}
        return User(
            user.get("username") or "",
            user.get("uid") or "",
            tuple(user.get("groups") or ()),
            user.get("extra") or {},
        )
