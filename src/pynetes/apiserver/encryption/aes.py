"""AES: GCM and CBC under a configured key, and GCM under keys derived from a seed, one for each value."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC as CBCMode
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pynetes.apiserver.encryption.transformer import TransformError

_NONCE = 12
_BLOCK = 16
SEED = 32
"""Bytes of a seed, of the info that a key is derived with, and of the key."""

_SHORT = "the stored data was shorter than the required size"


class GCM:
    """Stored: nonce (12 bytes, random), ciphertext, tag. The path is authenticated.

    A key must not encrypt more than 2³² values, since nonces are random: rotate it before.
    """

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        return self.open(data, path), False

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        return self.seal(data, path)

    def open(self, data: bytes, path: bytes) -> bytes:
        if len(data) < _NONCE:
            raise TransformError(_SHORT)
        try:
            return self._aead.decrypt(data[:_NONCE], data[_NONCE:], path)
        except InvalidTag:
            raise TransformError("cipher: message authentication failed") from None

    def seal(self, data: bytes, path: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, data, path)


class CBC:
    """Stored: initialization vector (16 bytes), ciphertext padded by PKCS #7. Nothing is authenticated: a value that
    was tampered with or moved may be read as another."""

    def __init__(self, key: bytes) -> None:
        self._key = AES(key)

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        if len(data) < _BLOCK:
            raise TransformError(_SHORT)
        if len(data) % _BLOCK:
            raise TransformError("the stored data is not a multiple of the block size")
        decryptor = Cipher(self._key, CBCMode(data[:_BLOCK])).decryptor()
        padded = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
        size = padded[-1] if padded else 0
        if not 0 < size <= len(padded):
            raise TransformError("invalid PKCS7 data (empty or not padded)")
        if padded[-size:] != bytes((size,)) * size:
            raise TransformError("invalid padding on input")
        return padded[:-size], False

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        vector = os.urandom(_BLOCK)
        size = _BLOCK - len(data) % _BLOCK
        encryptor = Cipher(self._key, CBCMode(vector)).encryptor()
        return vector + encryptor.update(data + bytes((size,)) * size) + encryptor.finalize()


class DerivedGCM:
    """Stored: info (32 bytes, random), then as `GCM` under the key that HKDF expands the seed and the info to.

    No key is used twice, so the seed does not wear out.
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) < SEED:
            raise TransformError(f"invalid seed length {len(seed)} used for key generation")
        self._seed = seed

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        if len(data) < SEED:
            raise TransformError(_SHORT)
        return self._derived(data[:SEED]).open(data[SEED:], path), False

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        info = os.urandom(SEED)
        return info + self._derived(info).seal(data, path)

    def _derived(self, info: bytes) -> GCM:
        return GCM(HKDFExpand(SHA256(), SEED, info).derive(self._seed))
