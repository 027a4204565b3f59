"""Calls to a KMS v2 plugin over its Unix socket."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from google.protobuf.message import Message

from pynetes.apiserver.encryption.kms import kms_pb2 as pb
from pynetes.apiserver.encryption.transformer import TransformError
from pynetes.apiserver.plugin import Plugin, PluginError

R = TypeVar("R", bound=Message)

_SERVICE = "v2.KeyManagementService"


def socket(endpoint: str) -> str:
    """`unix:///path` → `/path`; one that begins with @ is an abstract socket's name."""
    path = urlsplit(endpoint).path
    return path[1:] if path.startswith("/@") else path


class KMSService:
    """A connection, which comes back by itself when the plugin does. Calls raise TransformError."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        self._plugin = Plugin(socket(endpoint), _SERVICE, timeout)

    async def status(self) -> pb.StatusResponse:
        return await self._call("Status", pb.StatusRequest(), pb.StatusResponse)

    async def encrypt(self, uid: str, plaintext: bytes) -> pb.EncryptResponse:
        return await self._call("Encrypt", pb.EncryptRequest(plaintext=plaintext, uid=uid), pb.EncryptResponse)

    async def decrypt(self, uid: str, ciphertext: bytes, key_id: str, annotations: Mapping[str, bytes]) -> bytes:
        request = pb.DecryptRequest(ciphertext=ciphertext, uid=uid, key_id=key_id, annotations=annotations)
        return (await self._call("Decrypt", request, pb.DecryptResponse)).plaintext

    async def _call(self, method: str, request: Message, response: type[R]) -> R:
        try:
            return await self._plugin.call(method, request, response)
        except PluginError as error:
            raise TransformError(str(error)) from None

    async def close(self) -> None:
        await self._plugin.close()
