"""The webhook backend: an EventList by POST to where a kubeconfig says, tried again with growing pauses."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pynetes.apimachinery import json_writer
from pynetes.apiserver.audit.event import API_VERSION
from pynetes.client import kubeconfig
from pynetes.client.transport import Transport, TransportError, TransportRequest
from pynetes.component import clock

log = logging.getLogger(__name__)

Object = dict[str, Any]

_ATTEMPTS, _FACTOR = 5, 1.5


class WebhookBackend:
    def __init__(self, transport: Transport, initial_backoff: float = 10.0) -> None:
        self._transport = transport
        self._backoff = initial_backoff

    @classmethod
    def from_kubeconfig(cls, path: Path, initial_backoff: float) -> "WebhookBackend":
        """ConfigError for a file that says nothing of use."""
        return cls(kubeconfig.transport(kubeconfig.load(path)), initial_backoff)

    async def write(self, events: Sequence[Object]) -> None:
        """OSError when it has failed for good."""
        body = json_writer.encode(
            {"kind": "EventList", "apiVersion": API_VERSION, "metadata": {}, "items": list(events)}
        )
        pause = self._backoff
        for attempt in range(1, _ATTEMPTS + 1):
            why = await self._post(body)
            if why is None:
                return
            if attempt == _ATTEMPTS:
                raise OSError(why)
            log.warning("audit webhook: %s (again in %g s)", why, pause)
            await clock.sleep(pause)
            pause *= _FACTOR

    async def _post(self, body: bytes) -> str | None:
        """Why it failed; OSError if it always will."""
        try:
            answer = await self._transport.request(
                TransportRequest("POST", "", headers={"Content-Type": "application/json"}, body=body), timeout=30.0
            )
        except TransportError as error:
            return str(error)
        if answer.status < 300:
            return None
        if answer.status < 500 and answer.status != 429:
            raise OSError(f"the server answered {answer.status}")
        return f"the server answered {answer.status}"

    async def close(self) -> None:
        await self._transport.close()
