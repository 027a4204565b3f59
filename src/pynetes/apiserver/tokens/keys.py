"""The public keys of service account tokens, and checking a token's signature with them."""

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import jwt
import orjson

from pynetes.component import certificates
from pynetes.component.certificates import PublicKey
from pynetes.component.signing import VerificationKey

_JWS = jwt.PyJWS()
_JWT = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")


class InvalidSignatureError(Exception):
    """The token is not signed by any of the keys."""


class Keys(Protocol):
    """The public keys that tokens may be signed with."""

    @property
    def keys(self) -> tuple[VerificationKey, ...]:
        """Those that sign, as discovery shows them."""
        ...

    @property
    def max_age(self) -> int:
        """Seconds for which others may keep them."""
        ...

    async def verify(self, token: str) -> dict[str, Any]:
        """The claims of a correctly signed token; their meaning (issuer, expiry, …) is not looked at.
        InvalidSignatureError."""
        ...


class KeySet:
    """`Keys` that never change."""

    max_age = 3600

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        # By id: EC public keys are not hashable in every version of cryptography.
        self.keys = tuple({key.id: key for key in map(VerificationKey.of, keys)}.values())
        self._by_id = {key.id: key for key in self.keys}

    @classmethod
    def load(cls, *paths: Path) -> "KeySet":
        return cls(key for path in paths for key in certificates.load_public_keys(path))

    async def verify(self, token: str) -> dict[str, Any]:
        return verified(token, self._candidates(key_id_of(token)))

    def _candidates(self, kid: str) -> tuple[VerificationKey, ...]:
        if not kid:
            return self.keys
        return (self._by_id[kid],) if kid in self._by_id else ()


def key_id_of(token: str) -> str:
    """The name of the key that a token claims to be signed with; "" if it names none."""
    try:
        return str(jwt.get_unverified_header(token).get("kid", ""))
    except jwt.InvalidTokenError as error:
        raise InvalidSignatureError(str(error)) from error


def verified(token: str, keys: Iterable[VerificationKey]) -> dict[str, Any]:
    """The claims of a token that one of the keys has signed."""
    for key in keys:
        try:
            claims = orjson.loads(_JWS.decode(token, key.key, algorithms=[key.algorithm]))
        except (jwt.InvalidTokenError, orjson.JSONDecodeError):
            continue
        if isinstance(claims, dict):
            return claims
    raise InvalidSignatureError("invalid signature, no keys found")


def unverified_issuer(token: str) -> str:
    """The issuer that a token claims to have; "" if it is no JWT. Not to be trusted."""
    found = _JWT.fullmatch(token)
    if found is None:
        return ""
    payload = found[1]
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else ""
    return issuer if isinstance(issuer, str) else ""
