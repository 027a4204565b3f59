"""Service account tokens for pods: asked of the API server, kept, and renewed before they expire."""

import logging
import random
from typing import Any

from pynetes.apimachinery import times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import SERVICE_ACCOUNTS
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.kubelet.volumes.plugin import Token, TokenRequest

log = logging.getLogger(__name__)

_MAX_AGE, _MAX_JITTER = 24 * 3600.0, 10.0
_RENEW_AT = 0.8


class TokenError(Exception):
    """No valid token can be had now."""


def needs_renewal(token: Token, now: float, jitter: float = 0) -> bool:
    """Whether 80 % of its life or a day has passed; `jitter` seconds earlier, so that nodes do not ask in step."""
    life = token.expires - token.issued
    return now >= token.issued + min(_RENEW_AT * life, _MAX_AGE) - jitter


class TokenManager:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._tokens: dict[TokenRequest, Token] = {}

    async def get(self, request: TokenRequest) -> Token:
        """A token with life left in it. One that cannot be renewed serves until it expires. Raises TokenError."""
        kept = self._tokens.get(request)
        now = clock.time_seconds()
        if kept is not None and not needs_renewal(kept, now, random.random() * min(_MAX_JITTER, _life(kept) / 100)):
            return kept
        try:
            token = await self._request(request)
        except (StatusError, TransportError) as error:
            if kept is None:
                raise TokenError(f"failed to fetch token: {error}") from error
            if kept.expires <= now:
                raise TokenError(
                    f"token of {request.namespace}/{request.service_account} expired and refresh failed: {error}"
                ) from error
            log.warning("token of %s/%s: %s", request.namespace, request.service_account, error)
            return kept
        self._tokens[request] = token
        return token

    async def _request(self, request: TokenRequest) -> Token:
        spec: dict[str, Any] = {
            "audiences": [request.audience] if request.audience else [],
            "expirationSeconds": request.expiration_seconds,
            "boundObjectRef": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": request.pod_name,
                "uid": request.pod_uid,
            },
        }
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec}
        issued = clock.time_seconds()
        answer = await self._client.create(
            SERVICE_ACCOUNTS, body, request.namespace, name=request.service_account, subresource="token"
        )
        expires = times.parse_time(answer["status"]["expirationTimestamp"]).timestamp()
        return Token(answer["status"]["token"], issued, expires)

    def forget_pod(self, uid: str) -> None:
        """The pod is gone, and its tokens with it."""
        for request in [request for request in self._tokens if request.pod_uid == uid]:
            del self._tokens[request]


def _life(token: Token) -> float:
    return token.expires - token.issued
