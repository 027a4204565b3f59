"""Signing service account tokens: RS256, or ES256/384/512 by the key's curve; key ids as upstream makes them."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from pynetes.component import certificates
from pynetes.component.certificates import PrivateKey, PublicKey

_CURVES = {
    "secp256r1": ("ES256", "P-256", 32),
    "secp384r1": ("ES384", "P-384", 48),
    "secp521r1": ("ES512", "P-521", 66),
}
_JWS = jwt.PyJWS()


class VerificationKey(Struct, frozen=True):
    """A public key with the name that tokens give it."""

    key: PublicKey
    id: str
    algorithm: str

    @classmethod
    def of(cls, key: PublicKey) -> "VerificationKey":
        return cls(key, key_id(key), algorithm(key))

    def jwk(self) -> dict[str, str]:
        """The key as one member of a JSON Web Key Set."""
        common = {"use": "sig", "kid": self.id, "alg": self.algorithm}
        numbers = self.key.public_numbers()
        if isinstance(numbers, ec.EllipticCurvePublicNumbers):
            _, curve, size = _CURVES[numbers.curve.name]
            return {**common, "kty": "EC", "crv": curve, "x": _number(numbers.x, size), "y": _number(numbers.y, size)}
        modulus = _number(numbers.n, (numbers.n.bit_length() + 7) // 8)
        exponent = _number(numbers.e, (numbers.e.bit_length() + 7) // 8)
        return {**common, "kty": "RSA", "n": modulus, "e": exponent}


class SigningKey:
    """The private key that new tokens are signed with."""

    def __init__(self, key: PrivateKey, issuer: str) -> None:
        self.issuer = issuer
        self._key = key
        self._public = VerificationKey.of(key.public_key())

    @classmethod
    def load(cls, path: Path, issuer: str) -> "SigningKey":
        return cls(certificates.load_private_key(path), issuer)

    def sign(self, claims: dict[str, Any]) -> str:
        headers = {"kid": self._public.id, "typ": None}
        payload = orjson.dumps({**claims, "iss": self.issuer})
        return _JWS.encode(payload, self._key, algorithm=self._public.algorithm, headers=headers)


def key_id(key: PublicKey) -> str:
    """SHA-256 of the key's DER form, base64url without padding."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _base64url(hashlib.sha256(der).digest())


def algorithm(key: PublicKey) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES[key.curve.name][0]
    return "RS256"


def _number(value: int, size: int) -> str:
    return _base64url(value.to_bytes(size, "big"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
