"""An external signer for tests: a real gRPC server on a Unix socket, with keys that can be rotated."""

import base64
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc.aio
import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.timestamp_pb2 import Timestamp

from pynetes.apiserver.tokens.external import externaljwt_pb2 as pb

_METHODS: dict[str, Any] = {
    "Sign": pb.SignJWTRequest,
    "FetchKeys": pb.FetchKeysRequest,
    "Metadata": pb.MetadataRequest,
}


class Signer:
    """`keys` by name, of which `kid` signs; `hidden` ones only verify. `header` is added to that of tokens."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.keys = {"old": ec.generate_private_key(ec.SECP256R1()), "one": ec.generate_private_key(ec.SECP256R1())}
        self.hidden = {"old"}
        self.kid = "one"
        self.header: dict[str, Any] = {}
        self.maximum = 7200
        self.refresh = 600
        self.fetched = 0

    def rotate(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())
        self.kid = kid

    async def sign(self, request: pb.SignJWTRequest) -> pb.SignJWTResponse:
        header = _base64url(orjson.dumps({"alg": "ES256", "kid": self.kid, "typ": "JWT", **self.header}))
        signed = f"{header}.{request.claims}".encode()
        signature = jwt.get_algorithm_by_name("ES256").sign(signed, self.keys[self.kid])
        return pb.SignJWTResponse(header=header, signature=_base64url(signature))

    async def fetch_keys(self, request: pb.FetchKeysRequest) -> pb.FetchKeysResponse:
        self.fetched += 1
        keys = [
            pb.Key(key_id=kid, key=_der(key), exclude_from_oidc_discovery=kid in self.hidden)
            for kid, key in self.keys.items()
        ]
        now = Timestamp(seconds=1_700_000_000)
        return pb.FetchKeysResponse(keys=keys, data_timestamp=now, refresh_hint_seconds=self.refresh)

    async def metadata(self, request: pb.MetadataRequest) -> pb.MetadataResponse:
        return pb.MetadataResponse(max_token_expiration_seconds=self.maximum)

    async def __aenter__(self) -> Self:
        answers: dict[str, Any] = {"Sign": self.sign, "FetchKeys": self.fetch_keys, "Metadata": self.metadata}
        handlers = {name: _handler(answers[name], request) for name, request in _METHODS.items()}
        self._server = grpc.aio.server()
        service = grpc.method_handlers_generic_handler("v1.ExternalJWTSigner", handlers)
        self._server.add_generic_rpc_handlers((service,))
        self._server.add_insecure_port(f"unix:{self.socket}")
        await self._server.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.stop(0)
        self.socket.unlink(missing_ok=True)


def _handler(answer: Any, request: Any) -> Any:
    async def serve(message: Any, context: Any) -> Any:
        return await answer(message)

    return grpc.unary_unary_rpc_method_handler(
        serve, request_deserializer=request.FromString, response_serializer=lambda found: found.SerializeToString()
    )


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
