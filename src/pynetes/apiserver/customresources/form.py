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
from pynetes.storage import KeyValue

Object = dict[str, Any]

#: Objects read between two turns of the loop.
_AT_ONCE = 100


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

    async def decode(self, items: Sequence[KeyValue]) -> list[KeyValue]:
        objects: list[Object] = []
        for i, kv in enumerate(items):
            if i % _AT_ONCE == _AT_ONCE - 1:
                await clock.sleep(0)
            objects.append(self._read(kv))
        wanted = self._api_version(self._served)
        foreign = [i for i, obj in enumerate(objects) if obj["apiVersion"] != wanted]
        if foreign:
            converted = await self._converter.convert([objects[i] for i in foreign], wanted)
            for i, obj in zip(foreign, converted, strict=True):
                self._schemas[self._served].prune(obj)
                objects[i] = obj
        return [
            KeyValue(kv.key, stored_bytes(obj), kv.create_revision, kv.mod_revision)
            for kv, obj in zip(items, objects, strict=True)
        ]

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
