"""The token webhook: a TokenReview by POST, its answer remembered."""

import hashlib
import logging
from typing import Any

from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.webhooks.client import WebhookError
from pynetes.apiserver.webhooks.remembered import Remembered
from pynetes.apiserver.webhooks.reviews import ReviewClient

log = logging.getLogger(__name__)

VERSIONS = ("v1", "v1beta1")
#: Upstream's --authentication-token-webhook-cache-ttl, in seconds.
REMEMBERED_SECONDS = 120.0

Object = dict[str, Any]


class WebhookTokenAuthenticator:
    """`audiences` are those of this server: a webhook that names none has checked for them."""

    def __init__(
        self,
        client: ReviewClient,
        audiences: tuple[str, ...],
        *,
        version: str = "v1",
        seconds: float = REMEMBERED_SECONDS,
    ) -> None:
        self._client = client
        self._audiences = audiences
        self._version = version
        self._seconds = seconds
        self._answers: Remembered[tuple[UserInfo | None, str]] = Remembered()

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        key = hashlib.sha256("\0".join((token, *audiences)).encode("utf-8", "surrogatepass")).digest()
        known = self._answers.get(key)
        if known is None:
            known = await self._ask(token, audiences)
            self._answers.put(key, known, self._seconds)
        user, problem = known
        if problem:
            raise InvalidCredentials(problem)
        return user

    async def _ask(self, token: str, audiences: tuple[str, ...]) -> tuple[UserInfo | None, str]:
        """The identity, or what the webhook has against the token. A webhook that fails is not remembered."""
        spec: Object = {"token": token}
        if audiences:
            spec["audiences"] = list(audiences)
        version = f"authentication.k8s.io/{self._version}"
        review = {"kind": "TokenReview", "apiVersion": version, "metadata": {}, "spec": spec, "status": {"user": {}}}
        try:
            status = await self._client.ask(review)
        except WebhookError as error:
            log.error("failed to make webhook authenticator request: %s", error)
            raise InvalidCredentials(str(error)) from None
        return self._judged(status, audiences)

    def _judged(self, status: Object, wanted: tuple[str, ...]) -> tuple[UserInfo | None, str]:
        checked = status.get("audiences") or self._audiences
        accepted = tuple(audience for audience in wanted if audience in checked)
        if wanted and not accepted:
            return None, ""
        if not status.get("authenticated"):
            return None, str(status.get("error") or "")
        user = status.get("user") or {}
        extra = {key: tuple(values or ()) for key, values in (user.get("extra") or {}).items()}
        name, groups = user.get("username") or "", tuple(user.get("groups") or ())
        return UserInfo(name, user.get("uid") or "", groups, extra, accepted), ""

    async def close(self) -> None:
        await self._client.close()
