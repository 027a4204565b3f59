"""One cached object: the bytes clients get, parsed only on demand.

Values lie in the store without resourceVersion and begin `{"apiVersion":…,"kind":…,"metadata":{`, so the version is
spliced in at the front of the metadata without parsing.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, TypeVar

import orjson

from pynetes.apimachinery.errors import StatusError, internal
from pynetes.storage import KeyValue

T = TypeVar("T")

METADATA = b'"metadata":{'
_VERSION = b'"resourceVersion":"'

SelectableFields = Callable[[dict[str, Any]], dict[str, str]]
"""What field selectors see of an object."""

Decode = Callable[[Sequence[KeyValue]], Awaitable[list[KeyValue]]]
"""From stored values to those that are served, in order. StatusError for what cannot be decoded."""


def metadata_fields(obj: dict[str, Any]) -> dict[str, str]:
    """The selectable fields that every object has."""
    metadata = obj["metadata"]
    return {"metadata.name": metadata.get("name", ""), "metadata.namespace": metadata.get("namespace", "")}


def wire_bytes(value: bytes, revision: int) -> bytes:
    """A stored value as clients see it: with its resourceVersion."""
    at = value.index(METADATA) + len(METADATA)
    comma = b"" if value[at] == 0x7D else b","
    return b'%b"resourceVersion":"%d"%b%b' % (value[:at], revision, comma, value[at:])


def _at_revision(data: bytes, revision: int) -> bytes:
    """Wire bytes with another resourceVersion in the place of theirs."""
    at = data.index(METADATA) + len(METADATA) + len(_VERSION)
    return b"%b%d%b" % (data[:at], revision, data[data.index(b'"', at) :])


class Entry:
    """One object at one version; shared by all who read it, never changed.

    `key` is the store's key, `bytes` the wire's JSON. `object` is parsed once and shared: whoever wants to change it
    copies it first.
    """

    __slots__ = (
        "_fields",
        "_fields_of",
        "_labels",
        "_memo",
        "_object",
        "bytes",
        "create_revision",
        "key",
        "mod_revision",
    )

    def __init__(
        self,
        key: str,
        data: bytes,
        mod_revision: int,
        create_revision: int = 0,
        fields_of: SelectableFields = metadata_fields,
    ) -> None:
        self.key = key
        self.bytes = data
        self.mod_revision = mod_revision
        self.create_revision = create_revision
        self._fields_of = fields_of
        self._object: dict[str, Any] | None = None
        self._labels: dict[str, str] | None = None
        self._fields: dict[str, str] | None = None
        self._memo: dict[Hashable, Any] | None = None

    @classmethod
    def from_stored(
        cls, kv: KeyValue, fields_of: SelectableFields = metadata_fields, obj: dict[str, Any] | None = None
    ) -> "Entry":
        """The entry of what a store returned; also for the answer to a write. `obj`: what the value says, but for the
        resourceVersion, if that is known. StatusError for what is no object."""
        try:
            data = wire_bytes(kv.value, kv.mod_revision)
        except ValueError:
            raise _unreadable(kv) from None
        entry = cls(kv.key, data, kv.mod_revision, kv.create_revision, fields_of)
        if obj is not None:
            metadata = {"resourceVersion": str(kv.mod_revision), **obj["metadata"]}
            entry._object = {**obj, "metadata": metadata}
            _keep_parsed(entry)
        return entry

    def at_revision(self, revision: int) -> "Entry":
        """The same content under another resourceVersion: told when the object leaves a watcher's selector."""
        return Entry(self.key, _at_revision(self.bytes, revision), revision, self.create_revision, self._fields_of)

    @property
    def object(self) -> dict[str, Any]:
        """The parsed object, kept for a while. Shared: never mutate."""
        parsed = self._object
        if parsed is None:
            parsed = self._object = orjson.loads(self.bytes)
            _keep_parsed(self)
        return parsed

    @property
    def labels(self) -> dict[str, str]:
        if self._labels is None:
            self._select()
        return self._labels  # type: ignore[return-value]

    @property
    def fields(self) -> dict[str, str]:
        """Selectable fields."""
        if self._fields is None:
            self._select()
        return self._fields  # type: ignore[return-value]

    def _select(self) -> None:
        # Parsed dicts take many times the room of the bytes, so one made only for selecting is dropped again.
        obj = self._object if self._object is not None else orjson.loads(self.bytes)
        self._labels = obj["metadata"].get("labels") or {}
        self._fields = self._fields_of(obj)

    def forget(self) -> None:
        """Drops what can be made again from the bytes: the object has a newer version."""
        self._object = self._memo = None

    def memo(self, key: Hashable, make: Callable[["Entry"], T]) -> T:
        """`make(self)`, computed once: for other wire forms (a Table row, metadata only) that several clients want."""
        if self._memo is None:
            self._memo = {}
        if key not in self._memo:
            self._memo[key] = make(self)
        return self._memo[key]  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Entry({self.key!r}, mod_revision={self.mod_revision})"


def _unreadable(kv: KeyValue) -> StatusError:
    """Encrypted values come here when a server is started without the configuration that it had."""
    encrypted = kv.value.startswith(b"k8s:enc:")
    why = "identity transformer tried to read encrypted data" if encrypted else "it is no object"
    return internal(f'unable to transform key "{kv.key}": {why}')


_PARSED_BYTES = 2 << 20
"""A parsed object takes ten times the room of its JSON, and the window keeps thousands that nobody asks for again."""

_parsed: deque[Entry] = deque()
_parsed_bytes = 0


def _keep_parsed(entry: Entry) -> None:
    """Of all entries, those that were parsed last keep their objects; parsing again costs microseconds."""
    global _parsed_bytes
    _parsed.append(entry)
    _parsed_bytes += len(entry.bytes)
    while _parsed_bytes > _PARSED_BYTES and len(_parsed) > 1:
        oldest = _parsed.popleft()
        oldest._object = None
        _parsed_bytes -= len(oldest.bytes)


Predicate = Callable[[Entry], bool]
"""Selection of a list or watch. Pass the same function for the same selector, and watchers share the work."""
