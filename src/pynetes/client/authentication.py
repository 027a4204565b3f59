"""Who calls a component: a client certificate of the cluster's CA, or a token that the API server vouches for.

Authentication that is delegated to the API server, as the originals' kubelet, scheduler and controller managers do it.
"""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

log = logging.getLogger(__name__)

TOKEN_REVIEWS = GroupVersionResource("authentication.k8s.io", "v1", "tokenreviews")


class User(Struct, frozen=True):
    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))


def from_certificate(certificate: Mapping[str, Any] | None) -> User | None:
    """The user in a verified certificate, as `SSLObject.getpeercert()` gives it: CN is the name, O the groups."""
    if not certificate:
        return None
    subject = [pair for rdn in certificate.get("subject") or () for pair in rdn]
    names = [value for key, value in subject if key == "commonName"]
    groups = tuple(value for key, value in subject if key == "organizationName")
    return User(names[0], groups=(*groups, "system:authenticated")) if names else None


def bearer_token(header: str) -> str:
    """The token of an `Authorization` header; empty if there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class TokenAuthenticator:
    """Asks the API server about tokens (TokenReview) and remembers its answers for `seconds`."""

    def __init__(self, client: Client, seconds: float = 10.0) -> None:
        self._client = client
        self._seconds = seconds
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
        self._known[key] = (now + self._seconds, user)
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
