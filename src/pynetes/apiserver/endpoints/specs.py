"""Specs that come again: controllers make many objects of one template, which differ in their metadata.

To decode a spec, check it and fill in its defaults takes three times as long as to find and read what came of that.
"""

from typing import Any

import msgspec
import orjson

from pynetes.apimachinery import codec
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.strategy import Strategy
from pynetes.component.memo import LONGEST_OBJECT, ByText

Object = dict[str, Any]

_LIMIT = 256
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_EMPTY = msgspec.Raw(b"{}")


class Specs:
    """What the specs of a `templated` kind have been found to be, by their text."""

    def __init__(self, kind: GroupVersionKind, strategy: Strategy) -> None:
        self._kind = kind
        self._strategy = strategy
        self._complete: ByText[bytes] = ByText(_LIMIT)

    def decode(self, body: bytes) -> Object | None:
        """The object in a JSON body, with metadata and defaults; None for a body that has to be looked at as a whole,
        since something is wrong with it, or nothing gained."""
        parts = split(body) if len(body) <= LONGEST_OBJECT else None
        if parts is None:
            return None
        rest, spec = parts
        try:
            complete = self._complete.get(spec, lambda: self._completed(spec))
            obj, _ = codec.decode(rest, self._kind)
        except (StatusError, TypeError):
            return None
        obj["spec"] = orjson.loads(complete)
        if obj.get("metadata") is None:
            obj["metadata"] = {}
        self._strategy.default_beyond_spec(obj)
        return obj

    def _completed(self, spec: bytes) -> bytes:
        """A spec as it is with its defaults. StatusError for one that is not flawless; TypeError for one with numbers
        that cannot be read again as they were."""
        obj, _ = codec.decode(b'{"spec":%b}' % spec, self._kind)
        self._strategy.default(obj)
        return orjson.dumps(obj["spec"])


def split(body: bytes) -> tuple[bytes, bytes] | None:
    """An object in JSON with an empty spec, and its spec; None if it has none, or may have any field twice."""
    try:
        fields = _fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    spec = fields.get("spec")
    # Nobody writes a field without quotation marks.
    if spec is None or msgspec.json.encode(fields).count(b'"') != body.count(b'"'):
        return None
    fields["spec"] = _EMPTY
    return msgspec.json.encode(fields), bytes(spec)
