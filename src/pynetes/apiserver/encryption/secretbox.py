"""XSalsa20-Poly1305 under a configured key of 32 bytes. The path is not authenticated, as upstream's is not."""

import os

from nacl.bindings import crypto_secretbox, crypto_secretbox_open
from nacl.exceptions import CryptoError

from pynetes.apiserver.encryption.transformer import TransformError

_NONCE = 24
_OVERHEAD = 16


class Secretbox:
    """Stored: nonce (24 bytes, random), tag, ciphertext."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        if len(data) < _NONCE + _OVERHEAD:
            raise TransformError("the stored data was shorter than the required size")
        try:
            return bytes(crypto_secretbox_open(data[_NONCE:], data[:_NONCE], self._key)), False
        except CryptoError:
            raise TransformError("output array was not large enough for encryption") from None

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + bytes(crypto_secretbox(data, nonce, self._key))
