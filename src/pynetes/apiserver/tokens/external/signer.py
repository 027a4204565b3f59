"""Tokens that an external signer signs."""

import asyncio
import base64
import binascii
import logging
from typing import Any

import orjson

from pynetes.apimachinery.quoting import go_quoted
from pynetes.apimachinery.times import format_duration
from pynetes.apiserver.plugin import PluginError
from pynetes.apiserver.tokens.claims import EXTENDED_SECONDS, WARN_ONLY_SECONDS
from pynetes.apiserver.tokens.external import externaljwt_pb2 as pb
from pynetes.apiserver.tokens.external.keys import ExternalKeys, KeysError
from pynetes.apiserver.tokens.external.service import SignerService, code_of
from pynetes.apiserver.tokens.issuer import IssueError
from pynetes.component import metrics

log = logging.getLogger(__name__)

_METADATA_TIMEOUT = 10.0
_SHORTEST = 600
_ID_MAX = 1024
_ALGORITHMS = ("RS256", "ES256", "ES384", "ES512")
_HEADER = frozenset(("alg", "kid", "typ"))

_SIGNED = metrics.counter("apiserver_externaljwt_sign_request_total", "Total attempts at signing JWT", ["code"])


class SignerError(Exception):
    """The signer cannot be used; the message says why, in upstream's words."""


class ExternalIssuer:
    """An `Issuer`. `keys` are the signer's; `maximum_seconds` is what it signs for at most."""

    def __init__(self, issuer: str, socket: str) -> None:
        self.issuer = issuer
        self._service = SignerService(socket)
        self.keys = ExternalKeys(self._service)
        self.maximum_seconds = 0

    async def start(self) -> None:
        """Asks the signer for its keys and what it can. SignerError."""
        setting_up = "while setting up external-jwt-signer"
        try:
            await self.keys.fetch()
        except KeysError as error:
            filling = "while initially filling key cache: while performing initial cache fill"
            raise SignerError(f"{setting_up}: {filling}: {error}") from None
        try:
            async with asyncio.timeout(_METADATA_TIMEOUT):
                answer = await self._service.call("Metadata", pb.MetadataRequest(), pb.MetadataResponse)
        except (PluginError, TimeoutError) as error:
            told = str(error) or "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
            raise SignerError(f"{setting_up}: {told}") from None
        self.maximum_seconds = answer.max_token_expiration_seconds
        if self.maximum_seconds < _SHORTEST:
            told = f"({self.maximum_seconds}s) is less than acceptable (min {_SHORTEST}s)"
            raise SignerError(f"max token life supported by external-jwt-signer {told}")

    def limits(self, maximum: int, *, extend: bool) -> tuple[int, int]:
        """The longest life of tokens, and of those of kubelets, if flags want `maximum` (0: nothing). SignerError."""
        if maximum > self.maximum_seconds:
            compared = f"{format_duration(maximum)} > {format_duration(self.maximum_seconds)}"
            raise SignerError(
                "service-account-max-token-expiration cannot be set longer than the token expiration supported by "
                f"service-account-signing-endpoint: {compared}"
            )
        found = maximum or self.maximum_seconds
        if extend and found < WARN_ONLY_SECONDS:
            log.warning(
                "service-account-extend-token-expiration is true, in order to correctly trigger safe transition logic, "
                "token lifetime supported by external-jwt-signer must be longer than %d seconds (currently %s)",
                WARN_ONLY_SECONDS,
                format_duration(found),
            )
        return found, min(self.maximum_seconds, EXTENDED_SECONDS)

    async def issue(self, claims: dict[str, Any]) -> str:
        failure: IssueError | None = None
        try:
            return await self._issue(claims)
        except IssueError as error:
            failure = error
            raise
        finally:
            _SIGNED.labels(code_of(failure)).inc()

    async def _issue(self, claims: dict[str, Any]) -> str:
        payload = base64.urlsafe_b64encode(orjson.dumps({**claims, "iss": self.issuer})).rstrip(b"=").decode()
        try:
            answer = await self._service.call("Sign", pb.SignJWTRequest(claims=payload), pb.SignJWTResponse)
        except PluginError as error:
            raise IssueError(f"while signing jwt: {error}") from error
        try:
            kid = _checked_key(answer.header)
        except ValueError as error:
            raise IssueError(f"while validating header: {error}") from None
        if any(key.hidden for key in await self.keys.named(kid)):
            told = f"key used for signing JWT (kid: {kid}) is excluded from OIDC discovery docs"
            raise IssueError(f"while validating header: {told}")
        if not answer.signature:
            raise IssueError("empty signature returned")
        return f"{answer.header}.{payload}.{answer.signature}"

    async def close(self) -> None:
        await self.keys.close()
        await self._service.close()


def _checked_key(header: str) -> str:
    """The key that a token's header names; ValueError for one that says more or other things than it may."""
    try:
        data = base64.b64decode(header + "=" * (-len(header) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"while unwrapping header: {error}") from None
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"while parsing header JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("while parsing header JSON: it is no object")
    for name in found.keys() - _HEADER:
        raise ValueError(f"while parsing header JSON: json: unknown field {go_quoted(name)}")
    kid, algorithm = found.get("kid") or "", found.get("alg") or ""
    if found.get("typ") != "JWT":
        raise ValueError("bad type")
    if not isinstance(kid, str) or not kid:
        raise ValueError("key id missing")
    if len(kid.encode()) > _ID_MAX:
        raise ValueError("key id longer than 1 kb")
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"bad signing algorithm {go_quoted(str(algorithm))}")
    return kid
