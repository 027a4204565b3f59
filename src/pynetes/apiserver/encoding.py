"""Bytes of answers and of stored objects.

A codec turns an object into bytes; `CODECS` lists those spoken, the preferred first. Stored values are JSON without
resourceVersion, beginning `{"apiVersion":…,"kind":…,"metadata":{`, so that the version, known only after the write, can
be put in without parsing (`cacher.wire_bytes`).
"""

from collections.abc import Callable
from typing import Any

import orjson
from msgspec import Struct

from pynetes.apimachinery import json_writer, yaml_writer
from pynetes.apimachinery.protobuf import encoder as protobuf
from pynetes.apimachinery.protobuf.decoder import MEDIA_TYPE as PROTOBUF_TYPE

Object = dict[str, Any]


class Codec(Struct, frozen=True):
    """One wire format. `text`: can carry what has no protobuf form (Tables)."""

    media_type: str
    encode: Callable[[Any, bool], bytes]
    text: bool = True

    @property
    def watch_type(self) -> str:
        """The media type of a stream of events."""
        return self.media_type if self.text else f"{self.media_type};stream=watch"


def _json(obj: Any, pretty: bool) -> bytes:
    if pretty:
        return json_writer.encode(obj, orjson.OPT_INDENT_2)
    return json_writer.encode(obj, orjson.OPT_APPEND_NEWLINE)


def _yaml(obj: Any, pretty: bool) -> bytes:
    return yaml_writer.dump(obj)


JSON = Codec("application/json", _json)
YAML = Codec("application/yaml", _yaml)
PROTOBUF = Codec(PROTOBUF_TYPE, lambda obj, pretty: protobuf.encode(obj), text=False)

CODECS: dict[str, Codec] = {codec.media_type: codec for codec in (JSON, YAML, PROTOBUF)}

#: What bodies may be written in.
INPUT_TYPES = tuple(CODECS)

_UNSTORED = ("resourceVersion", "selfLink")


def stored_bytes(obj: Object) -> bytes:
    """An object as the store keeps it."""
    return json_writer.encode(stored_form(obj))


def stored_form(obj: Object) -> Object:
    """The same before it is encoded."""
    metadata = {field: value for field, value in obj["metadata"].items() if field not in _UNSTORED}
    head: Object = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    for field, value in obj.items():
        if field not in head:
            head[field] = value
    return head
