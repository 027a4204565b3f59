"""Calls to a plugin of the API server: gRPC over its Unix socket."""

from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

R = TypeVar("R", bound=Message)


class PluginError(Exception):
    """A call failed, in Go's words; `code` is Go's name of gRPC's code."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code().name.title().replace("_", "").replace("Cancelled", "Canceled")
        super().__init__(f"rpc error: code = {self.code} desc = {error.details() or ''}")


class Plugin:
    """A connection, which comes back by itself when the plugin does. A `socket` that begins with @ is an abstract one.

    `service` is gRPC's full name. Calls wait for the plugin to be there, for `timeout` seconds (None: as long as they
    may).
    """

    def __init__(self, socket: str, service: str, timeout: float | None) -> None:
        self._service = service
        self._timeout = timeout
        self._channel = grpc.aio.insecure_channel(
            f"unix-abstract:{socket[1:]}" if socket.startswith("@") else f"unix:{socket}",
            options=[
                ("grpc.default_authority", "localhost"),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
                # A connection of its own: it ends with the configuration that it is part of.
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )

    async def call(self, method: str, request: Message, response: type[R]) -> R:
        """PluginError."""
        rpc = self._channel.unary_unary(
            f"/{self._service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        try:
            answer: R = await rpc(request, timeout=self._timeout, wait_for_ready=True)
            return answer
        except grpc.aio.AioRpcError as error:
            raise PluginError(error) from None

    async def close(self) -> None:
        await self._channel.close(None)
