"""A KMS v2 plugin for tests: a real gRPC server on a Unix socket, with keys that can be rotated."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from cryptography.fernet import Fernet, InvalidToken

from pynetes.apiserver.encryption.kms import kms_pb2 as pb


class Plugin:
    """`keys` by ID, of which `key_id` encrypts. `calls` tells what was asked."""

    def __init__(self, socket: Path) -> None:
        self.endpoint = f"unix://{socket}"
        self._socket = socket
        self.keys = {"1": Fernet(Fernet.generate_key())}
        self.key_id = "1"
        self.healthz = "ok"
        self.version = "v2"
        self.annotations = {"version.kms.example.com": b"1"}
        self.calls: list[str] = []
        self._server: Any = None

    def rotate(self, key_id: str) -> None:
        self.keys[key_id] = Fernet(Fernet.generate_key())
        self.key_id = key_id

    async def status(self, request: pb.StatusRequest, context: Any) -> pb.StatusResponse:
        self.calls.append("status")
        return pb.StatusResponse(version=self.version, healthz=self.healthz, key_id=self.key_id)

    async def encrypt(self, request: pb.EncryptRequest, context: Any) -> pb.EncryptResponse:
        self.calls.append("encrypt")
        sealed = self.keys[self.key_id].encrypt(request.plaintext)
        return pb.EncryptResponse(ciphertext=sealed, key_id=self.key_id, annotations=self.annotations)

    async def decrypt(self, request: pb.DecryptRequest, context: Any) -> pb.DecryptResponse:
        self.calls.append("decrypt")
        try:
            plaintext = self.keys[request.key_id].decrypt(request.ciphertext)
        except (KeyError, InvalidToken):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no key {request.key_id}")
        return pb.DecryptResponse(plaintext=plaintext)

    async def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._server = grpc.aio.server()
        methods: dict[str, tuple[Any, Any]] = {
            "Status": (self.status, pb.StatusRequest),
            "Encrypt": (self.encrypt, pb.EncryptRequest),
            "Decrypt": (self.decrypt, pb.DecryptRequest),
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                method,
                request_deserializer=request.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            for name, (method, request) in methods.items()
        }
        service = grpc.method_handlers_generic_handler("v2.KeyManagementService", handlers)
        self._server.add_generic_rpc_handlers((service,))
        self._server.add_insecure_port(f"unix:{self._socket}")
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(0)
        self._socket.unlink(missing_ok=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()
