"""How custom resources lie in the store: in the storage version of their last write, which may have an older schema.

Reading prunes and defaults by the schema of the version in which an object was stored, then converts it to the one that
is served. Writing converts to the storage version of now.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from pynetes.apimachinery.errors import internal
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apiserver.customresources.conversion import Converter
from pynetes.apiserver.encoding import stored_bytes
from pynetes.component import clock
from pynetes.component.memo import ByText
from pynetes.storage import KeyValue

Object = dict[str, Any]

#: Objects read between two turns of the loop.
_AT_ONCE = 100
#: Written values of which is remembered what they are read as.
_REREAD = 512


class CustomForm:
    """`schemas` by version, all that the definition has; `served` and `storage` are versions."""

    def __init__(
        self, group: str, schemas: Mapping[str, ObjectSchema], served: str, storage: str, converter: Converter
    ) -> None:
        self._group = group
        self._schemas = schemas
        self._served = served
        self._storage = storage
        self._converter = converter
        self._own = b'{"apiVersion":%b,' % orjson.dumps(self._api_version(served))
        self._read_back: ByText[bytes | None] = ByText(_REREAD)

    async def decode(self, items: Sequence[KeyValue]) -> list[KeyValue]:
        values: list[bytes] = []
        foreign: dict[int, Object] = {}
        for i, kv in enumerate(items):
            if i % _AT_ONCE == _AT_ONCE - 1:
                await clock.sleep(0)
            if kv.value.startswith(self._own):
                values.append(self._reread(kv) if len(items) < _AT_ONCE else stored_bytes(self._read(kv)))
            else:
                foreign[i] = self._read(kv)
                values.append(b"")
        if foreign:
            converted = await self._converter.convert([*foreign.values()], self._api_version(self._served))
            for i, obj in zip(foreign, converted, strict=True):
                self._schemas[self._served].prune(obj)
                values[i] = stored_bytes(obj)
        return [
            KeyValue(kv.key, value, kv.create_revision, kv.mod_revision)
            for kv, value in zip(items, values, strict=True)
        ]

    def _reread(self, kv: KeyValue) -> bytes:
        """A write is read twice, for its answer and for the cache, and mostly says what it is going to be read as."""

        def find() -> bytes | None:
            value = stored_bytes(self._read(kv))
            return None if value == kv.value else value

        return self._read_back.get(kv.value, find) or kv.value

    def _read(self, kv: KeyValue) -> Object:
        try:
            obj: Object = orjson.loads(kv.value)
            version = obj["apiVersion"].rpartition("/")[2]
        except (ValueError, TypeError, KeyError) as error:
            raise internal(f"unable to decode {kv.key}: {error}") from None
        schema = self._schemas.get(version)
        if schema is None:
            raise internal(f"request to convert CR from an invalid group/version: {obj['apiVersion']}")
        schema.read(obj)
        obj["metadata"].setdefault("generation", 1)
        return obj

    async def encode(self, obj: Object) -> bytes:
        if self._served == self._storage:
            return stored_bytes(obj)
        (converted,) = await self._converter.convert([obj], self._api_version(self._storage))
        self._schemas[self._storage].prune(converted)
        return stored_bytes(converted)

    def _api_version(self, version: str) -> str:
        return f"{self._group}/{version}"
