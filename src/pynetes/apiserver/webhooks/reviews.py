"""Reviews (SubjectAccessReview, TokenReview) posted to where a kubeconfig says, tried again where that may help."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apiserver.webhooks.client import WebhookError, refusal
from pynetes.client import kubeconfig
from pynetes.client.transport import Transport, TransportError, TransportRequest, TransportResponse
from pynetes.component import clock

Object = dict[str, Any]
#: Told what became of an attempt (success, timeout, error, canceled) and how many seconds it took.
Note = Callable[[str, float], None]

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

    async def ask(self, review: Object, note: Note = lambda result, seconds: None) -> Object:
        """The status of the answer; WebhookError says why there is none. `note` is told of every attempt."""
        body, pause = json_writer.encode(review), self._pause
        for attempt in range(1, _ATTEMPTS + 1):
            answer, status = await self._attempt(body, review["kind"], note)
            if status is not None:
                return status
            if answer.status not in _AGAIN or attempt == _ATTEMPTS:
                break
            await clock.sleep(pause)
            pause *= _FACTOR
        raise WebhookError(refusal(answer.status, answer.headers.get("content-type", ""), answer.body))

    async def _attempt(self, body: bytes, kind: str, note: Note) -> tuple[TransportResponse, Object | None]:
        """The answer, and the review's status if it is none that refuses."""
        began, result = clock.monotonic(), "error"
        try:
            answer = await self._post(body)
            if 200 <= answer.status <= 206:
                status, result = _status(answer.body, kind), "success"
                return answer, status
            result = "timeout" if answer.status == 504 else "error"
            return answer, None
        except WebhookError as error:
            result = "timeout" if isinstance(error.__cause__, TimeoutError) else "error"
            raise
        except asyncio.CancelledError:
            result = "canceled"
            raise
        finally:
            note(result, clock.monotonic() - began)

    async def _post(self, body: bytes) -> TransportResponse:
        headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
        try:
            request = TransportRequest("POST", "", headers=headers, body=body)
            return await self._transport.request(request, timeout=self._timeout)
        except TransportError as error:
            raise WebhookError(str(error)) from error.__cause__

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
