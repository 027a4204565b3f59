"""Calls to a KMS v2 plugin over its Unix socket."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import grpc
import grpc.aio
from google.protobuf.message import Message

from pynetes.apiserver.encryption.kms import kms_pb2 as pb
from pynetes.apiserver.encryption.transformer import TransformError

R = TypeVar("R", bound=Message)

_SERVICE = "/v2.KeyManagementService/"


def target(endpoint: str) -> str:
    """gRPC's name of `unix:///path`; a path that begins with @ is an abstract socket's."""
    path = urlsplit(endpoint).path
    return f"unix-abstract:{path[2:]}" if path.startswith("/@") else f"unix:{path}"


class KMSService:
    """A connection, which comes back by itself when the plugin does. Calls raise TransformError."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        self._timeout = timeout
        self._channel = grpc.aio.insecure_channel(
            target(endpoint),
            options=[
                ("grpc.default_authority", "localhost"),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
                # One connection for each provider: those of an old configuration end with it.
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )

    async def status(self) -> pb.StatusResponse:
        return await self._call("Status", pb.StatusRequest(), pb.StatusResponse)

    async def encrypt(self, uid: str, plaintext: bytes) -> pb.EncryptResponse:
        return await self._call("Encrypt", pb.EncryptRequest(plaintext=plaintext, uid=uid), pb.EncryptResponse)

    async def decrypt(self, uid: str, ciphertext: bytes, key_id: str, annotations: Mapping[str, bytes]) -> bytes:
        request = pb.DecryptRequest(ciphertext=ciphertext, uid=uid, key_id=key_id, annotations=annotations)
        return (await self._call("Decrypt", request, pb.DecryptResponse)).plaintext

    async def _call(self, method: str, request: Message, response: type[R]) -> R:
        rpc = self._channel.unary_unary(
            _SERVICE + method,
            request_serializer=_serialize,
            response_deserializer=response.FromString,
        )
        try:
            answer: R = await rpc(request, timeout=self._timeout, wait_for_ready=True)
            return answer
        except grpc.aio.AioRpcError as error:
            code = error.code().name.title().replace("_", "")
            raise TransformError(f"rpc error: code = {code} desc = {error.details() or ''}") from None

    async def close(self) -> None:
        await self._channel.close(None)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
