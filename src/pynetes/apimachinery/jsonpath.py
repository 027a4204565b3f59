"""JSONPath as kubectl and printer columns write it: `.status.conditions[?(@.type=="Ready")].status`, `..name`, `[0:2]`.

`parse` gives a path that can be asked of many objects: `find` gives what it leads to, in order. A key that is not there
leads to nothing.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.structural.numbers import go_text

_NAME = re.compile(r"(?:\\.|[^.\[\]\\\s(){}])+")
_FILTER = re.compile(r"^(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)$", re.DOTALL)
_SLICE = re.compile(r"^(-?\d*)(?::(-?\d*))?(?::(-?\d*))?$")

#: From values to values.
_Step = Callable[[list[Any]], list[Any]]


class PathError(ValueError):
    """Not a JSONPath."""


class Path(Struct, frozen=True):
    steps: tuple[_Step, ...]

    def find(self, value: Any) -> list[Any]:
        found = [value]
        for step in self.steps:
            found = step(found)
        return found


def parse(text: str) -> Path:
    """`.a.b[0]`, without braces. PathError."""
    return Path(tuple(_steps(text)))


def show(value: Any) -> str:
    """A value as text: containers as JSON, numbers as Go prints them."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json_writer.encode(value).decode()
    return "<no value>" if value is None else go_text(value)


def _steps(text: str) -> Iterator[_Step]:
    at = 0
    if text.startswith(("$", "@")):
        at = 1
    while at < len(text):
        if text.startswith("..", at):
            yield _descend
            at += 2
            if not text.startswith("[", at):
                step, at = _name(text, at)
                yield step
        elif text[at] == ".":
            if at + 1 == len(text):
                return
            if text[at + 1] == "[":
                at += 1
            else:
                step, at = _name(text, at + 1)
                yield step
        elif text[at] == "[":
            end = _closing(text, at)
            yield _bracket(text[at + 1 : end].strip())
            at = end + 1
        elif at == 0:
            step, at = _name(text, at)
            yield step
        else:
            raise PathError(f"unrecognized character in action: {text[at]!r}")


def _name(text: str, at: int) -> tuple[_Step, int]:
    found = _NAME.match(text, at)
    if found is None:
        raise PathError(f"invalid path {text!r}")
    name = re.sub(r"\\(.)", r"\1", found[0])
    return (_every if name == "*" else _fields((name,))), found.end()


def _closing(text: str, at: int) -> int:
    """Where the bracket that opens at `at` closes; quotes and brackets within count."""
    depth, quote = 0, ""
    for i in range(at, len(text)):
        char = text[i]
        if quote:
            quote = "" if char == quote and text[i - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if not depth:
                return i
    raise PathError("unterminated array")


def _bracket(content: str) -> _Step:
    if content.startswith("?(") and content.endswith(")"):
        return _filter(content[2:-1].strip())
    if content == "*":
        return _every
    if content[:1] in ("'", '"'):
        return _fields(tuple(_literal(part) for part in _split(content)))
    if "," in content:
        return _union([_bracket(part.strip()) for part in content.split(",")])
    found = _SLICE.match(content)
    if found is None or not content:
        raise PathError(f"invalid array index {content}")
    return _slice(content, found)


def _split(content: str) -> list[str]:
    return [part.strip() for part in re.split(r",(?=(?:[^'\"]*['\"][^'\"]*['\"])*[^'\"]*$)", content)]


def _literal(text: str) -> str:
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        raise PathError(f"invalid literal {text}")
    return re.sub(r"\\(.)", r"\1", text[1:-1])


# --- steps


def _fields(names: tuple[str, ...]) -> _Step:
    def step(values: list[Any]) -> list[Any]:
        return [value[name] for value in values if isinstance(value, dict) for name in names if name in value]

    return step


def _every(values: list[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        if isinstance(value, dict):
            out += [value[name] for name in sorted(value)]
        elif isinstance(value, list):
            out += value
    return out


def _descend(values: list[Any]) -> list[Any]:
    """The values and all within them."""
    out: list[Any] = []
    for value in values:
        out.append(value)
        if isinstance(value, dict):
            out += _descend([value[name] for name in sorted(value)])
        elif isinstance(value, list):
            out += _descend(value)
    return out


def _union(steps: list[_Step]) -> _Step:
    return lambda values: [found for step in steps for found in step(values)]


def _slice(content: str, found: re.Match[str]) -> _Step:
    start, end, stride = ((int(part) if part else None) for part in found.groups())
    if ":" not in content:
        index = start if start is not None else 0

        def one(values: list[Any]) -> list[Any]:
            lists = [value for value in values if isinstance(value, list)]
            return [value[index] for value in lists if -len(value) <= index < len(value)]

        return one
    if stride is not None and stride <= 0:
        raise PathError("step must be > 0")
    return lambda values: [item for value in values if isinstance(value, list) for item in value[start:end:stride]]


def _filter(condition: str) -> _Step:
    found = _FILTER.match(condition)
    if found is None:
        path = _operand(condition)
        return lambda values: [item for item in _items(values) if path(item) is not None]
    left, operator, right = _operand(found[1].strip()), found[2], _operand(found[3].strip())
    return lambda values: [item for item in _items(values) if _holds(left(item), operator, right(item))]


def _items(values: list[Any]) -> list[Any]:
    return [item for value in values if isinstance(value, list) for item in value]


def _operand(text: str) -> Callable[[Any], Any]:
    """A path from the item (`@.type`), or a literal."""
    if text.startswith("@"):
        path = parse(text)

        def first(item: Any) -> Any:
            found = path.find(item)
            return found[0] if found else None

        return first
    value: Any
    if text[:1] in ("'", '"'):
        value = _literal(text)
    elif text in ("true", "false"):
        value = text == "true"
    else:
        try:
            value = float(text) if "." in text else int(text)
        except ValueError:
            raise PathError(f"invalid operand {text}") from None
    return lambda item: value


def _holds(left: Any, operator: str, right: Any) -> bool:
    if left is None or right is None:
        return False
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    try:
        order = (left > right) - (left < right)
    except TypeError:
        return False
    return bool({"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator])
