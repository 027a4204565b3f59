"""Values in upstream's EncryptedObject: each with the data key, which the plugin has encrypted, beside it."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from uuid import uuid4

from google.protobuf.message import DecodeError
from msgspec import Struct

from pynetes.apimachinery import names
from pynetes.apimachinery.times import format_time
from pynetes.apiserver.encryption.aes import GCM, DerivedGCM
from pynetes.apiserver.encryption.kms import kms_pb2 as pb
from pynetes.apiserver.encryption.kms.service import KMSService
from pynetes.apiserver.encryption.transformer import Transformer, TransformError
from pynetes.component import clock

_KEY_ID_MAX = 1024
_SOURCE_MAX = 1024
_ANNOTATIONS_MAX = 32 * 1024
#: Data keys kept decrypted: about as many as there are servers times key changes.
_CACHE_MAX = 4096

SEED = pb.HKDF_SHA256_XNONCE_AES_GCM_SEED
_SOURCES = (pb.AES_GCM_KEY, SEED)


class State(Struct, frozen=True):
    """What writes are encrypted with, until `expires`; `source` is the seed as the plugin encrypted it."""

    transformer: Transformer
    key_id: str
    source: bytes
    annotations: Mapping[str, bytes]
    expires: datetime


def key_id_hash(key_id: str) -> str:
    """How messages show a key's ID."""
    return f"sha256:{hashlib.sha256(key_id.encode()).hexdigest()}" if key_id else ""


def check_key_id(key_id: str) -> None:
    if not key_id:
        raise TransformError("keyID is empty")
    if (size := len(key_id.encode())) > _KEY_ID_MAX:
        raise TransformError(f"keyID is {size} bytes, which exceeds the max size of {_KEY_ID_MAX}")


def check(stored: pb.EncryptedObject) -> None:
    """TransformError for what a plugin must not give and a store cannot hold."""
    if stored.encryptedDEKSourceType not in _SOURCES:
        raise TransformError(f"unknown encryptedDEKSourceType: {stored.encryptedDEKSourceType}")
    if not stored.encryptedData:
        raise TransformError("encrypted data is empty")
    check_source(stored.encryptedDEKSource, stored.keyID, stored.annotations)


def check_source(source: bytes, key_id: str, annotations: Mapping[str, bytes]) -> None:
    if not source:
        raise TransformError("failed to validate encrypted DEK source: encrypted DEK source is empty")
    if len(source) > _SOURCE_MAX:
        why = f"encrypted DEK source is {len(source)} bytes, which exceeds the max size of {_SOURCE_MAX}"
        raise TransformError(f"failed to validate encrypted DEK source: {why}")
    try:
        check_key_id(key_id)
    except TransformError as error:
        raise TransformError(f"failed to validate key id: {error}") from None
    for name in annotations:
        parts = name.split(".")
        if len(parts) < 2 or names.dns1123_subdomain(name):
            why = (
                f'annotations: Invalid value: "{name}": should be a domain with at least two segments separated by dots'
            )
            raise TransformError(f"failed to validate annotations: {why}")
    size = sum(len(name) + len(value) for name, value in annotations.items())
    if size > _ANNOTATIONS_MAX:
        why = f"total size of annotations is {size}, which exceeds the max size of {_ANNOTATIONS_MAX}"
        raise TransformError(f"failed to validate annotations: {why}")


class Envelope:
    """The transformer of one plugin. `state` gives what to write with, or raises TransformError."""

    def __init__(self, service: KMSService, state: Callable[[], State]) -> None:
        self._service = service
        self._state = state
        self._keys: OrderedDict[Hashable, Transformer] = OrderedDict()

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        try:
            stored = pb.EncryptedObject.FromString(data)
        except DecodeError as error:
            raise TransformError(f"proto: cannot parse invalid wire-format data: {error}") from None
        check(stored)
        state = self._state()
        plain, _ = await (await self._key_of(stored)).from_storage(stored.encryptedData, path)
        stale = stored.keyID != state.key_id or stored.encryptedDEKSourceType != SEED
        return plain, stale

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        state = self._state()
        now = clock.now()
        if now > state.expires:
            raise TransformError(
                f'encryptedDEKSource with keyID hash "{key_id_hash(state.key_id)}" expired at '
                f"{format_time(state.expires)} (current time is {format_time(now)})"
            )
        self._keep(_identity(SEED, state.source, state.key_id, state.annotations), state.transformer)
        stored = pb.EncryptedObject(
            encryptedData=await state.transformer.to_storage(data, path),
            keyID=state.key_id,
            encryptedDEKSource=state.source,
            annotations=state.annotations,
            encryptedDEKSourceType=SEED,
        )
        return stored.SerializeToString()

    async def _key_of(self, stored: pb.EncryptedObject) -> Transformer:
        """The data key of a stored value; the plugin is asked only for those not met before."""
        kind = stored.encryptedDEKSourceType
        identity = _identity(kind, stored.encryptedDEKSource, stored.keyID, stored.annotations)
        known = self._keys.get(identity)
        if known is not None:
            self._keys.move_to_end(identity)
            return known
        try:
            key = await self._service.decrypt(
                str(uuid4()), stored.encryptedDEKSource, stored.keyID, dict(stored.annotations)
            )
        except TransformError as error:
            raise TransformError(f"failed to decrypt DEK, error: {error}") from None
        try:
            transformer: Transformer = DerivedGCM(key) if kind == SEED else GCM(key)
        except ValueError:
            raise TransformError(f"crypto/aes: invalid key size {len(key)}") from None
        self._keep(identity, transformer)
        return transformer

    def _keep(self, identity: Hashable, transformer: Transformer) -> None:
        self._keys[identity] = transformer
        self._keys.move_to_end(identity)
        if len(self._keys) > _CACHE_MAX:
            self._keys.popitem(last=False)


def _identity(kind: int, source: bytes, key_id: str, annotations: Mapping[str, bytes]) -> Hashable:
    return kind, source, key_id, tuple(sorted(annotations.items()))
