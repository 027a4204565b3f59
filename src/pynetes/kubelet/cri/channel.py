"""A gRPC connection to a container runtime on a Unix socket."""

from collections.abc import AsyncIterator
from typing import Any, Self, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

MAX_MESSAGE = 16 * 1024 * 1024
"""As upstream's: lists of pods with long annotations pass the 4 MiB default."""

R = TypeVar("R", bound=Message)

CODE_NAMES = {
    "OK": "OK",
    "CANCELLED": "Canceled",
    "UNKNOWN": "Unknown",
    "INVALID_ARGUMENT": "InvalidArgument",
    "DEADLINE_EXCEEDED": "DeadlineExceeded",
    "NOT_FOUND": "NotFound",
    "ALREADY_EXISTS": "AlreadyExists",
    "PERMISSION_DENIED": "PermissionDenied",
    "RESOURCE_EXHAUSTED": "ResourceExhausted",
    "FAILED_PRECONDITION": "FailedPrecondition",
    "ABORTED": "Aborted",
    "OUT_OF_RANGE": "OutOfRange",
    "UNIMPLEMENTED": "Unimplemented",
    "INTERNAL": "Internal",
    "UNAVAILABLE": "Unavailable",
    "DATA_LOSS": "DataLoss",
    "UNAUTHENTICATED": "Unauthenticated",
}


class CRIError(Exception):
    """A call that the runtime refused or did not answer. `str()` reads as Go prints it, since events carry it."""

    def __init__(self, method: str, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"rpc error: code = {CODE_NAMES.get(code.name, code.name)} desc = {details}")
        self.method = method
        self.code = code
        self.details = details

    @property
    def not_found(self) -> bool:
        return self.code is grpc.StatusCode.NOT_FOUND

    @property
    def unimplemented(self) -> bool:
        return self.code is grpc.StatusCode.UNIMPLEMENTED

    @property
    def timed_out(self) -> bool:
        return self.code is grpc.StatusCode.DEADLINE_EXCEEDED

    @property
    def unavailable(self) -> bool:
        return self.code is grpc.StatusCode.UNAVAILABLE


def _target(endpoint: str) -> str:
    """`/run/x.sock`, `unix:///run/x.sock` and `unix:/run/x.sock` all name the socket."""
    return "unix:" + endpoint.removeprefix("unix://").removeprefix("unix:")


class Channel:
    """One connection, shared by the runtime and image services; reconnects by itself."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._channel = grpc.aio.insecure_channel(
            _target(endpoint),
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE),
                ("grpc.max_send_message_length", MAX_MESSAGE),
                ("grpc.default_authority", "localhost"),
                # After a restart of the runtime the kubelet is back within moments, not after gRPC's 20 s to 2 min.
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )
        self._calls: dict[str, Any] = {}

    async def call(self, method: str, request: Message, response: type[R], timeout: float | None) -> R:
        """One unary call; `method` is `/package.Service/Method`."""
        rpc = self._calls.get(method)
        if rpc is None:
            rpc = self._channel.unary_unary(
                method, request_serializer=_serialize, response_deserializer=response.FromString
            )
            self._calls[method] = rpc
        try:
            answer: R = await rpc(request, timeout=timeout)
            return answer
        except grpc.aio.AioRpcError as error:
            raise CRIError(method, error.code(), error.details() or "") from None

    async def stream(self, method: str, request: Message, response: type[R]) -> AsyncIterator[R]:
        """A server stream, till the server or the consumer ends it."""
        rpc: Any = self._channel.unary_stream(
            method, request_serializer=_serialize, response_deserializer=response.FromString
        )
        call = rpc(request)
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise CRIError(method, error.code(), error.details() or "") from None
        finally:
            call.cancel()

    async def close(self) -> None:
        await self._channel.close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
