"""JSON patch (RFC 6902), with the liberties that the original's library takes: `replace` of a member that is not there
adds it, a negative index counts from the end."""

import re
from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import json_writer, meta
from pynetes.apimachinery.errors import rejected

COPY_LIMIT = 3 * 1024 * 1024  # bytes that copy operations of one patch may add
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_INDEX_DIGITS = 19  # no list is as long
_MISSING = "missing value"
_INVALID_INDEX = "invalid index referenced"


class PatchError(ValueError):
    """An operation that does not apply; the text is the original library's."""


class TestFailedError(PatchError):
    """A `test` that found another value."""

    __test__ = False  # for pytest


class _Document:
    """The document under change, and what copies have added to it."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.copied = 0

    def parent(self, path: str) -> tuple[Any, str] | None:
        """The container that a path's last token is looked up in, and that token."""
        tokens = path.split("/")
        if len(tokens) < 2:
            return None
        container = self.root
        for token in tokens[1:-1]:
            container = _child(container, _unescape(token))
            if not isinstance(container, (dict, list)):
                return None
        return container, _unescape(tokens[-1])


def _unescape(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")


def _child(container: Any, token: str) -> Any:
    try:
        return _get(container, token)
    except PatchError:
        return None


def _index(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise PatchError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    if len(text) > _INDEX_DIGITS:
        raise PatchError(f'strconv.Atoi: parsing "{text}": value out of range')
    return int(text)


def _position(index: int, size: int) -> int:
    """An index from either end, within a list of that size."""
    if index >= size or index < -size:
        raise PatchError(f"Unable to access invalid index: {index}: {_INVALID_INDEX}")
    return index + size if index < 0 else index


def _get(container: Any, token: str) -> Any:
    if isinstance(container, dict):
        return container.get(token)
    return container[_position(_index(token), len(container))]


def _put(container: Any, token: str, value: Any) -> None:
    """What `add` does."""
    if isinstance(container, dict):
        container[token] = value
    elif token == "-":
        container.append(value)
    else:
        try:
            index = _index(token)
        except PatchError as error:
            raise PatchError(f"value was not a proper array index: '{token}': {error}") from None
        container.insert(_position(index, len(container) + 1), value)


def _drop(container: Any, token: str) -> None:
    if isinstance(container, dict):
        if token not in container:
            raise PatchError(f"Unable to remove nonexistent key: {token}: {_MISSING}")
        del container[token]
    else:
        del container[_position(_index(token), len(container))]


def _wrapped(prefix: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except PatchError as error:
        raise PatchError(f"{prefix}: {error}") from None


def _text(operation: dict[str, Any], field: str) -> str:
    found = operation.get(field)
    if not isinstance(found, str):
        comma = "," if field == "from" else ""
        raise PatchError(f"operation{comma} missing {field} field: {_MISSING}")
    return found


def _add(document: _Document, operation: dict[str, Any]) -> None:
    path = _text(operation, "path")
    found = document.parent(path)
    if found is None:
        raise PatchError(f'add operation does not apply: doc is missing path: "{path}": {_MISSING}')
    value = meta.copy(operation.get("value"))
    _wrapped(f"error in add for path: '{path}'", lambda: _put(*found, value))


def _remove(document: _Document, operation: dict[str, Any]) -> None:
    path = _text(operation, "path")
    found = document.parent(path)
    if found is None:
        raise PatchError(f'remove operation does not apply: doc is missing path: "{path}": {_MISSING}')
    _wrapped(f"error in remove for path: '{path}'", lambda: _drop(*found))


def _replace(document: _Document, operation: dict[str, Any]) -> None:
    path = _text(operation, "path")
    value = meta.copy(operation.get("value"))
    if path == "":
        if not isinstance(value, (dict, list)):
            raise PatchError("replace operation value must be object or array")
        document.root = value
        return
    found = document.parent(path)
    if found is None:
        raise PatchError(f"replace operation does not apply: doc is missing path: {path}: {_MISSING}")
    container, token = found
    if isinstance(container, dict):
        container[token] = value
        return
    try:
        container[_position(_index(token), len(container))] = value
    except PatchError:
        raise PatchError(f"replace operation does not apply: doc is missing key: {path}: {_MISSING}") from None


def _move(document: _Document, operation: dict[str, Any]) -> None:
    source = _text(operation, "from")
    found = document.parent(source)
    if found is None:
        raise PatchError(f"move operation does not apply: doc is missing from path: {source}: {_MISSING}")
    value = _wrapped(f"error in move for path: '{found[1]}'", lambda: _get(*found))
    _wrapped(f"error in move for path: '{found[1]}'", lambda: _drop(*found))
    path = _text(operation, "path")
    target = document.parent(path)
    if target is None:
        raise PatchError(f"move operation does not apply: doc is missing destination path: {path}: {_MISSING}")
    _wrapped(f"error in move for path: '{path}'", lambda: _put(*target, value))


def _copy(document: _Document, operation: dict[str, Any]) -> None:
    source = _text(operation, "from")
    found = document.parent(source)
    if found is None:
        raise PatchError(f"copy operation does not apply: doc is missing from path: {source}: {_MISSING}")
    value = _wrapped(f"error in copy for from: '{source}'", lambda: _get(*found))
    path = _text(operation, "path")
    target = document.parent(path)
    if target is None:
        raise PatchError(f"copy operation does not apply: doc is missing destination path: {path}: {_MISSING}")
    document.copied += len(json_writer.encode(value))
    if document.copied > COPY_LIMIT:
        raise PatchError(
            f"Unable to complete the copy, the accumulated size increase of copy is {document.copied}, "
            f"exceeding the limit {COPY_LIMIT}"
        )
    _wrapped("error while adding value during copy", lambda: _put(*target, meta.copy(value)))


def _test(document: _Document, operation: dict[str, Any]) -> None:
    path = _text(operation, "path")
    if path == "":
        value = document.root
    else:
        found = document.parent(path)
        if found is None:
            raise PatchError(f"test operation does not apply: is missing path: {path}: {_MISSING}")
        value = _wrapped(f"error in test for path: '{path}'", lambda: _get(*found))
    if not same_json(value, operation.get("value")):
        raise TestFailedError(f"testing value {path} failed: test failed")


_OPERATIONS = {"add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy, "test": _test}


def same_json(one: Any, other: Any) -> bool:
    """Equality of JSON values: `1` is not `true`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def transform(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The changed document; PatchError says which operation does not apply and why."""
    work = _Document(meta.copy(document))
    for operation in operations:
        apply_one = _OPERATIONS.get(operation.get("op") or "")
        if apply_one is None:
            raise PatchError(f"Unexpected kind: {operation.get('op', 'unknown')}")
        apply_one(work, operation)
    return work.root


def apply(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The same for an API server: StatusError 422 with the general text that clients of the original get."""
    try:
        return transform(document, operations)
    except PatchError as error:
        raise rejected() from error
