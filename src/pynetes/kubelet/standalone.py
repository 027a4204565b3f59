"""What a node without an API server has in place of it: no objects, no tokens, and a log for its events."""

import logging
from typing import Any

from pynetes.kubelet.volumes import VolumeError
from pynetes.kubelet.volumes.plugin import Token, TokenRequest

log = logging.getLogger(__name__)


class LoggingRecorder:
    """Events go to the log: nobody else takes them."""

    def event(self, obj: dict[str, Any], type: str, reason: str, message: str) -> None:
        log.info("%s %s %s", obj.get("name"), reason, message)


async def no_object(namespace: str, name: str) -> dict[str, Any] | None:
    return None


async def no_token(request: TokenRequest) -> Token:
    raise VolumeError("a standalone node has no service account tokens")
