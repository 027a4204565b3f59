"""YAML bodies to what JSON would have said: the YAML 1.1 that Kubernetes' clients write, and its limits.

Built from the parser's events with a stack of our own: no recursion that a deep body could exhaust, aliases counted
so that a few lines cannot grow into gigabytes, duplicate keys remembered with their lines.
"""

import re
from typing import Any

import orjson
import yaml

from pynetes.apimachinery.depth import MAX_DEPTH, too_deep
from pynetes.apimachinery.json_text import may_have_duplicates
from pynetes.apimachinery.schema.checker import DecodeError

_MAX_ALIASED = 400_000  # values that come out of aliases: go-yaml's bound
_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_BOOLEANS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_OTHER_BASES = (
    (re.compile(r"[-+]?0b[01]+", re.ASCII), 2, "0b"),
    (re.compile(r"[-+]?0o[0-7]+", re.ASCII), 8, "0o"),
    (re.compile(r"[-+]?0x[0-9a-fA-F]+", re.ASCII), 16, "0x"),
    (re.compile(r"[-+]?0[0-7]+", re.ASCII), 8, "0"),
)
_NOT_NUMBERS = frozenset((".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN"))
#: Comes before errors of a document that could be read in spite of them.
ANNOUNCEMENT = "yaml: unmarshal errors:"
#: What JSON and YAML may read differently: escapes, tabs, long keys; and outside of texts fractions, exponents, long
#: numbers.
_DOUBTFUL = re.compile(rb'[\\\t\x7f]|"[^"]{1024,}"\s*:')
_TEXT = re.compile(rb'"[^"]*"')
_DOUBTFUL_NUMBER = re.compile(rb"[0-9](?:[.eE]|[0-9]{17})")
_SHORT_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}


class _Container:
    """A mapping or a sequence in the making."""

    __slots__ = ("anchor", "count", "key", "value")

    def __init__(self, value: dict[str, Any] | list[Any], anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None  # of a mapping: the key that waits for its value
        self.count = 1  # values within, aliases expanded


class _Builder:
    def __init__(self) -> None:
        self.duplicates: list[str] = []
        self._stack: list[_Container] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = 0
        self.root: Any = None

    def feed(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._stack.append(_Container(value, event.anchor))
            if len(self._stack) > MAX_DEPTH:
                raise DecodeError("yaml: exceeded max depth of 10000")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            done = self._stack.pop()
            if done.anchor:
                self._anchors[done.anchor] = (done.value, done.count)
            self._add(done.value, _line(event), done.count)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise DecodeError(f"yaml: unknown anchor '{event.anchor}' referenced")
            value, count = self._anchors[event.anchor]
            self._aliased += count
            if self._aliased > _MAX_ALIASED:
                raise DecodeError("yaml: document contains excessive aliasing")
            self._add(value, _line(event), count)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        container = self._stack[-1] if self._stack else None
        is_key = container is not None and isinstance(container.value, dict) and container.key is None
        value = _resolve(event)
        if is_key and value == "<<" and event.implicit[0]:
            assert container is not None
            container.key = "\0<<"
            return
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, _line(event), 1)

    def _add(self, value: Any, line: int, count: int) -> None:
        if not self._stack:
            self.root = value
            return
        container = self._stack[-1]
        container.count += count
        if isinstance(container.value, list):
            container.value.append(value)
        elif container.key is None:
            container.key = _key(value, line)
        else:
            self._set(container, value, line)

    def _set(self, container: _Container, value: Any, line: int) -> None:
        key, container.key = container.key, None
        assert key is not None
        assert isinstance(container.value, dict)
        if key == "\0<<":
            _merge(container.value, value)
            return
        if key in container.value and key not in container.value.get("\0merged", ()):
            self.duplicates.append(f'  line {line}: key "{key}" already set in map')
        container.value[key] = value


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0


def _merge(into: dict[str, Any], value: Any) -> None:
    """YAML's `<<`: keys of the mapping itself win."""
    sources = value if isinstance(value, list) else [value]
    for source in sources:
        if not isinstance(source, dict):
            raise DecodeError("yaml: map merge requires map or sequence of maps as the value")
        for key, item in source.items():
            if key not in into:
                into[key] = item
                into.setdefault("\0merged", set()).add(key)


def _key(value: Any, line: int) -> str:
    """A mapping's key as JSON has it: a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if value is None:
        return "null"
    raise DecodeError(f"yaml: line {line}: invalid map key")


def _resolve(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    tag = _SHORT_TAGS.get(event.tag or "", event.tag)
    if tag == "str" or (tag is None and not event.implicit[0]):
        return text
    value = plain(text)
    if tag in ("int", "float", "bool", "null") or tag is None or tag == "!":
        return text if tag == "!" else value
    return text


def plain(text: str) -> Any:
    """What a plain scalar means."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text in _NOT_NUMBERS:
        raise DecodeError(f"json: unsupported value: {'NaN' if 'n' in text[1:].lower().replace('inf', '') else '+Inf'}")
    number = text.replace("_", "")
    if _DECIMAL.fullmatch(number):
        return int(number) if len(number) < 20 else float(number)
    for pattern, base, prefix in _OTHER_BASES:
        if pattern.fullmatch(number):
            return int(number.replace(prefix, "", 1), base)
    if _FLOAT.fullmatch(number):
        return _float(number)
    return text


def _float(number: str) -> Any:
    value = float(number)
    if value in (float("inf"), float("-inf")):
        raise DecodeError(f"json: unsupported value: {'+' if value > 0 else '-'}Inf")
    # Go writes whole floats without a fraction, so that they can be read as integers again.
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _drop_marks(value: Any) -> Any:
    stack = [value]
    seen: set[int] = set()
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            item.pop("\0merged", None)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return value


def parse(body: bytes) -> tuple[Any, list[str]]:
    """The first document's value and what was said twice in it. DecodeError with go-yaml's text."""
    value = _json(body)
    if value is not None:
        return value, []
    builder = _Builder()
    try:
        for event in yaml.parse(body, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentEndEvent):
                break
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        raise DecodeError(_syntax_message(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DecodeError(f"yaml: {_reader_message(error)}") from None
    errors = ["\n".join((ANNOUNCEMENT, *builder.duplicates))] if builder.duplicates else []
    return _drop_marks(builder.root), errors


def _json(body: bytes) -> dict[str, Any] | None:
    """An object in plain JSON, as most clients send it, which is YAML too; None if it must be read as YAML.

    Reading events takes fifty times as long.
    """
    if body[:1] != b"{" or not body.isascii() or _DOUBTFUL.search(body):
        return None
    if _DOUBTFUL_NUMBER.search(_TEXT.sub(b"", body)):
        return None
    try:
        value: dict[str, Any] = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return None if may_have_duplicates(body) or too_deep(value) else value


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    scanner = isinstance(error, yaml.scanner.ScannerError)
    for mark in (error.context_mark, error.problem_mark):
        if mark is not None and mark.line:
            return f"yaml: line {mark.line + (1 if scanner else 0)}: {error.problem}"
    return f"yaml: {error.problem or 'unknown problem parsing YAML content'}"


def _reader_message(error: Exception) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return str(error.reason)
    return "invalid UTF-8"
