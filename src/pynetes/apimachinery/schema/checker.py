"""The slow road of decoding: a walk in Python that knows what a Struct does not.

It reads nulls as absence, finds every unknown and duplicate field with its path, and words type errors as Go's decoder
does. Its result for a well-formed object is the Structs' result, which the tests hold it to.
"""

from collections.abc import Callable
from math import inf
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.protobuf.fields import embedded_structs, message_name
from pynetes.apimachinery.schema import scalars
from pynetes.apimachinery.schema.definitions import KINDS, all_definitions
from pynetes.apimachinery.schema.types import Field, Type, fields
from pynetes.apimachinery.schema.zero import Policy, zero_of

_RANGES = {"int32": 2**31, "int64": 2**63}
_ABSENT: Any = object()
_STRICT_LIMIT = 100  # upstream stops counting there
_EMPTY: tuple[Any, ...] = ("", 0, [], {}, None)


class DecodeError(ValueError):
    """The body cannot be read as the kind; the text is Go's."""


class DuplicateDict(dict[str, Any]):
    """An object in which a key stood twice; `pairs` holds all of it, the dict the last values."""

    pairs: list[tuple[str, Any]]


def dict_from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A hook for JSON parsers."""
    out = dict(pairs)
    if len(out) != len(pairs):
        out = DuplicateDict(out)
        out.pairs = pairs
    return out


class RawFloat(float):
    """A JSON number that is not a plain integer, with its text for messages."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "RawFloat":
        number = cls(text)
        number.text = text
        return number

    def checked(self) -> int | float:
        """The number, if a float can hold it; DecodeError."""
        if self in (inf, -inf):
            raise DecodeError(f"json: cannot unmarshal number {self.text} into Go value of type float64")
        return settled(float(self))


def settled(number: float) -> int | float:
    """A number without a schema as Go has it once it has been written: `2.0` is an integer, as long as it is exact."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


class _Place(Struct):
    """Where the walk is: the fields down to here with the definitions that they stand in, and the strict path with
    indices."""

    fields: tuple[tuple[str, str], ...]
    path: str

    def child(self, definition: str, name: str) -> "_Place":
        return _Place((*self.fields, (definition, name)), f"{self.path}.{name}" if self.path else name)

    def at(self, path: str) -> "_Place":
        return _Place(self.fields, path)

    def go_field(self) -> str:
        """Go's name of the struct and its words for the way there, embedded structs among them."""
        words = [word for definition, name in self.fields for word in (*_embedded(definition, name), name)]
        return ".".join([self.fields[-1][0].rpartition(".")[2], *words])


def _embedded(definition: str, name: str) -> tuple[str, ...]:
    if name in ("apiVersion", "kind") and KINDS in all_definitions()[definition]:
        return ("TypeMeta",)
    return embedded_structs(message_name(definition), name)


class Checker(Struct):
    """One walk over one object. `strict` collects unknown and duplicate fields in document order."""

    strict: list[str] = field(default_factory=list)
    _first: str = ""

    def check(self, definition: str, value: Any) -> dict[str, Any]:
        """The object pruned and in canonical form; DecodeError with the first error."""
        root = Type("object", ".".join(definition.rsplit(".", 2)[1:]), definition=definition)
        result = self._check(root, value, _Place((), ""))
        if self._first:
            raise DecodeError(self._first)
        return result if isinstance(result, dict) else {}

    def _mismatch(self, place: _Place, shape: str, go: str) -> str:
        where = f"Go struct field {place.go_field()}" if place.fields else "Go value"
        return f"json: cannot unmarshal {shape} into {where} of type {go}"

    def _save(self, message: str) -> Any:
        """Go goes on after a type error and reports the first; errors of special scalars end it at once."""
        self._first = self._first or message
        return _ABSENT

    def _report(self, kind: str, path: str) -> None:
        text = f'{kind} "{path}"'
        if len(self.strict) < _STRICT_LIMIT and text not in self.strict:
            self.strict.append(text)

    def _check(self, kind: Type, value: Any, place: _Place) -> Any:
        if value is None:
            return _ABSENT
        if kind.kind in ("any", "raw"):
            return plain(value)
        if kind.kind == "object":
            return self._object(kind, value, place)
        if kind.kind == "list":
            return self._list(kind, value, place)
        if kind.kind == "map":
            return self._map(kind, value, place)
        return self._scalar(kind, value, place)

    def _object(self, kind: Type, value: Any, place: _Place) -> Any:
        if not isinstance(value, dict):
            return self._save(self._mismatch(place, go_shape(value), kind.go))
        known = fields(kind.definition)
        found: dict[str, Any] = {}
        seen: set[str] = set()
        for name, item in value.pairs if isinstance(value, DuplicateDict) else value.items():
            inner = place.child(kind.definition, name)
            if name in known:
                if name in seen:
                    self._report("duplicate field", inner.path)
                seen.add(name)
                checked = self._check(known[name].type, item, inner)
                if checked is not _ABSENT or item is None:
                    found[name] = checked
            else:
                self._report("unknown field", inner.path)
        return self._written(known, found, place)

    def _written(self, known: dict[str, Field], found: dict[str, Any], place: _Place) -> dict[str, Any]:
        """The fields that are written again, in their order."""
        out: dict[str, Any] = {}
        for name, own in known.items():
            value = found.get(name, _ABSENT)
            if value is _ABSENT:
                if own.policy is Policy.ALWAYS:
                    out[name] = self._always(own.type, place)
                elif own.policy is Policy.NULL:
                    out[name] = None
            elif value is None:
                if own.policy is Policy.NULL:
                    out[name] = None
            elif own.policy is not Policy.DROP or value not in _EMPTY:
                out[name] = value
        return out

    def _always(self, kind: Type, place: _Place) -> Any:
        return self._check(kind, {}, place) if kind.kind == "object" else zero_of(kind.kind)

    def _list(self, kind: Type, value: Any, place: _Place) -> Any:
        if not isinstance(value, list):
            return self._save(self._mismatch(place, go_shape(value), kind.go))
        assert kind.item is not None
        out = []
        for index, item in enumerate(value):
            checked = self._check(kind.item, item, place.at(f"{place.path}[{index}]"))
            out.append(self._zero(kind.item, place) if checked is _ABSENT else checked)
        return out

    def _map(self, kind: Type, value: Any, place: _Place) -> Any:
        if not isinstance(value, dict):
            return self._save(self._mismatch(place, go_shape(value), kind.go))
        assert kind.item is not None
        out: dict[str, Any] = {}
        for name, item in value.pairs if isinstance(value, DuplicateDict) else value.items():
            path = f"{place.path}.{name}"
            if name in out:
                self._report("duplicate field", path)
            checked = self._check(kind.item, item, place.at(path))
            out[name] = self._zero(kind.item, place) if checked is _ABSENT else checked
        return out

    def _zero(self, kind: Type, place: _Place) -> Any:
        """What a null among items or values stands for."""
        zeros = {"string": "", "bytes": "", "boolean": False, "quantity": "0", "list": [], "map": {}, "any": None}
        if kind.kind == "object":
            return self._object(kind, {}, place)
        return zeros.get(kind.kind, None if kind.kind in ("raw", "time", "micro_time") else 0)

    def _scalar(self, kind: Type, value: Any, place: _Place) -> Any:
        if kind.kind in ("int32", "int64"):
            return self._integer(kind, value, place)
        check = _SPECIAL.get(kind.kind)
        if check is not None:
            return check(self, kind, value, place)
        shape = {"string": "string", "boolean": "bool", "number": "number"}[kind.kind]
        if go_shape(value) == shape:
            if isinstance(value, RawFloat) and value in (inf, -inf):
                return self._save(self._mismatch(place, _number(value), kind.go))
            return float(value) if isinstance(value, RawFloat) else value
        return self._save(self._mismatch(place, go_shape(value), kind.go))

    def _integer(self, kind: Type, value: Any, place: _Place) -> Any:
        limit = _RANGES[kind.kind]
        if isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit:
            return value
        return self._save(self._mismatch(place, _number(value), kind.go))

    def _quantity(self, kind: Type, value: Any, place: _Place) -> Any:
        return scalars.canonical_quantity(value.text if isinstance(value, RawFloat) else value)

    def _time(self, kind: Type, value: Any, place: _Place) -> Any:
        if not isinstance(value, str):
            raise DecodeError(self._mismatch(place, go_shape(value), "string"))
        return scalars.canonical_time(value) if kind.kind == "time" else scalars.canonical_micro_time(value)

    def _bytes(self, kind: Type, value: Any, place: _Place) -> Any:
        if not isinstance(value, str):
            return self._save(self._mismatch(place, go_shape(value), kind.go))
        try:
            return scalars.canonical_bytes(value)
        except ValueError as error:
            return self._save(str(error))

    def _int_or_string(self, kind: Type, value: Any, place: _Place) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
            return value
        raise DecodeError(self._mismatch(place, _number(value), "int32"))

    def _schema_or(self, kind: Type, value: Any, place: _Place) -> Any:
        """A schema, schemas or something plain. The original reads schemas here without looking for unknown fields."""
        if isinstance(value, list):
            return [self._schema_or(kind, item, place) for item in value]
        if not isinstance(value, dict):
            return plain(value)
        inner = Checker()
        try:
            return inner.check(_SCHEMA, value)
        except DecodeError as error:
            return self._save(str(error))


_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
_SPECIAL: dict[str, Callable[[Checker, Type, Any, _Place], Any]] = {
    "quantity": Checker._quantity,
    "time": Checker._time,
    "micro_time": Checker._time,
    "bytes": Checker._bytes,
    "int_or_string": Checker._int_or_string,
    "schema_or": Checker._schema_or,
}


def go_shape(value: Any) -> str:
    """Go's word for a JSON value."""
    if isinstance(value, bool):
        return "bool"
    for kind, word in ((str, "string"), (dict, "object"), (list, "array")):
        if isinstance(value, kind):
            return word
    return "number"


def _number(value: Any) -> str:
    """The same where a number was wanted: with the number that does not fit."""
    if isinstance(value, RawFloat):
        return f"number {value.text}"
    return f"number {value}" if go_shape(value) == "number" else go_shape(value)


def plain(value: Any) -> Any:
    """A tree of plain dicts, lists and numbers, as a body without a schema is kept. DecodeError for 1e400."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.checked() if isinstance(value, RawFloat) else value


def duplicates(value: Any, path: str = "") -> list[str]:
    """Duplicate fields of an object without a schema."""
    out: list[str] = []
    if isinstance(value, dict):
        seen: set[str] = set()
        for name, item in value.pairs if isinstance(value, DuplicateDict) else value.items():
            inner = f"{path}.{name}" if path else name
            if name in seen:
                out.append(f'duplicate field "{inner}"')
            seen.add(name)
            out += duplicates(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            out += duplicates(item, f"{path}[{index}]")
    return out
