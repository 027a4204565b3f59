"""Writing JSON documents as protobuf messages, by tables.

A message is a table: JSON key → (field number, how the value is written); keys that begin with `x-` are vendor
extensions, each a name and its value as text. Only what our documents hold is listed; an unknown key is an error, so
that nothing is lost unseen.
"""

import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from pynetes.apimachinery import json_writer, yaml_writer
from pynetes.apimachinery.protobuf.encoder import varint

_UNFOLDED = 1 << 30

#: Bytes of a field's value, whole with its tag, from the field's number and its JSON value.
Write = Callable[[int, Any], bytes]
#: JSON key → number and how it is written.
Fields = dict[str, tuple[int, Write]]


class Messages:
    """The messages of one format, by name."""

    def __init__(self, extensions: Mapping[str, int]) -> None:
        """`extensions`: the number of the field that holds a message's vendor extensions."""
        self._extensions = extensions
        self._tables: dict[str, Fields] = {}

    def define(self, tables: Mapping[str, Fields]) -> None:
        """Tables may name each other's messages, whichever is defined first."""
        self._tables.update(tables)

    def write(self, name: str, value: Mapping[str, Any]) -> bytes:
        """A message's bytes, its fields in the order of their numbers, but for scalars of no value."""
        fields = self._tables[name]
        out = []
        for key, part in value.items():
            if key.startswith("x-"):
                number = self._extensions[name]
                out.append((number, delimited(number, string(1, key) + whatever(2, part))))
            else:
                number, write = fields[key]
                if part or write not in _SCALARS:
                    out.append((number, write(number, part)))
        return b"".join(data for _, data in sorted(out, key=lambda written: written[0]))

    def one(self, name: str) -> Write:
        return lambda number, value: delimited(number, self.write(name, value))

    def many(self, name: str) -> Write:
        return lambda number, values: b"".join(delimited(number, self.write(name, value)) for value in values)


def delimited(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def string(number: int, value: str) -> bytes:
    return delimited(number, value.encode())


def strings(number: int, values: list[str]) -> bytes:
    return b"".join(string(number, value) for value in values)


def boolean(number: int, value: bool) -> bytes:
    return varint(number << 3) + (b"\x01" if value else b"\x00")


def integer(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


_SCALARS = frozenset((string, boolean, integer, double))


def whatever(number: int, value: Any) -> bytes:
    """gnostic.Any: field 2 is YAML."""
    return delimited(number, delimited(2, _yaml(json_writer.encode(value))))


@lru_cache(1024)
def _yaml(json: bytes) -> bytes:
    """Few values come over and over again."""
    return yaml_writer.dump(orjson.loads(json), sort_keys=False, width=_UNFOLDED)


def all_whatever(number: int, values: list[Any]) -> bytes:
    return b"".join(whatever(number, value) for value in values)


def within(inner: int, write: Write) -> Write:
    """A message with one field, or with one of several chosen: TypeItem, ItemsItem, AdditionalPropertiesItem, …"""
    return lambda number, value: delimited(number, write(inner, value))


def named(write: Write) -> Write:
    """`repeated Named…`: a JSON object as pairs of a name (1) and a value (2)."""
    return lambda number, values: b"".join(
        delimited(number, string(1, name) + write(2, value)) for name, value in values.items()
    )


def each(write: Write) -> Write:
    """A repeated field."""
    return lambda number, values: b"".join(write(number, value) for value in values)


def requirements(number: int, values: list[dict[str, list[str]]]) -> bytes:
    """`repeated SecurityRequirement`: from a scheme to its scopes."""
    return b"".join(delimited(number, named(within(1, strings))(1, value)) for value in values)
