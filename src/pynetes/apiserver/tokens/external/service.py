"""Calls to the signer, measured under upstream's names."""

from typing import TypeVar

from google.protobuf.message import Message

from pynetes.apiserver.plugin import Plugin, PluginError
from pynetes.component import clock, metrics

R = TypeVar("R", bound=Message)

_SERVICE = "v1.ExternalJWTSigner"
_SECONDS = metrics.histogram(
    "apiserver_externaljwt_request_duration_seconds",
    "Request duration and time for calls to external-jwt-signer",
    ["method", "code"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


class SignerService:
    """A connection to the signer at a socket. Calls raise PluginError."""

    def __init__(self, socket: str) -> None:
        self._plugin = Plugin(socket, _SERVICE, None)

    async def call(self, method: str, request: Message, response: type[R]) -> R:
        """Waits for the signer until it is cancelled."""
        began, code = clock.monotonic(), "OK"
        try:
            return await self._plugin.call(method, request, response)
        except PluginError as error:
            code = error.code
            raise
        finally:
            _SECONDS.labels(f"/{_SERVICE}/{method}", code).observe(clock.monotonic() - began)

    async def close(self) -> None:
        await self._plugin.close()


def code_of(error: Exception | None) -> str:
    """As metrics name it, what caused an error included."""
    while error is not None and not isinstance(error, PluginError):
        if error.__cause__ is None or not isinstance(error.__cause__, Exception):
            return "unknown-non-grpc"
        error = error.__cause__
    return "OK" if error is None else error.code
