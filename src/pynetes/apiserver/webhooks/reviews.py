"""Reviews (SubjectAccessReview, TokenReview) posted to where a kubeconfig says, tried again where that may help."""

from pathlib import Path
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apiserver.webhooks.client import WebhookError, refusal
from pynetes.client import kubeconfig
from pynetes.client.transport import Transport, TransportError, TransportResponse
from pynetes.component import clock

Object = dict[str, Any]

#: Upstream's --authorization-webhook and --authentication-token-webhook back-off.
_ATTEMPTS, _INITIAL, _FACTOR = 5, 0.5, 1.5
_AGAIN = frozenset((429, 500, 504))


class ReviewClient:
    """One webhook. `timeout` is that of one attempt, in seconds."""

    def __init__(self, transport: Transport, *, timeout: float = 30.0, pause: float = _INITIAL) -> None:
        self._transport = transport
        self._timeout = timeout
        self._pause = pause

    @classmethod
    def from_kubeconfig(cls, path: Path, *, timeout: float = 30.0, pause: float = _INITIAL) -> "ReviewClient":
        """ConfigError for a file that says nothing of use."""
        return cls(kubeconfig.transport(kubeconfig.load(path)), timeout=timeout, pause=pause)

    async def ask(self, review: Object) -> Object:
        """The status of the answer; WebhookError says why there is none."""
        body, pause = json_writer.encode(review), self._pause
        for attempt in range(1, _ATTEMPTS + 1):
            answer = await self._post(body)
            if 200 <= answer.status <= 206:
                return _status(answer.body, review["kind"])
            if answer.status not in _AGAIN or attempt == _ATTEMPTS:
                break
            await clock.sleep(pause)
            pause *= _FACTOR
        raise WebhookError(refusal(answer.status, answer.headers.get("content-type", ""), answer.body))

    async def _post(self, body: bytes) -> TransportResponse:
        headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
        try:
            return await self._transport.request("POST", "", headers=headers, body=body, timeout=self._timeout)
        except TransportError as error:
            raise WebhookError(str(error)) from None

    async def close(self) -> None:
        await self._transport.close()


def _status(body: bytes, kind: str) -> Object:
    try:
        answer = orjson.loads(body)
    except ValueError as error:
        raise WebhookError(f"couldn't get version/kind; json parse error: {error}") from None
    if not isinstance(answer, dict) or answer.get("kind") not in (kind, None):
        raise WebhookError(f"the webhook did not answer with a {kind}")
    status = answer.get("status") or {}
    if not isinstance(status, dict):
        raise WebhookError(f"the status of the webhook's {kind} is no object")
    return status
