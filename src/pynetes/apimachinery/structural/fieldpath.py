"""Paths of fields as definitions write them, `.spec.replicas` or `.spec['a.b']`, looked up in a schema."""

import re

from msgspec import Struct

from pynetes.apimachinery.structural.nodes import Schema, additional, properties

_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|[.\[\]]|[^.\[\]]+")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NO_FIELD = "does not refer to a valid field"


class PathError(ValueError):
    """Not a path into the schema; the text says why."""


class Step(Struct, frozen=True):
    """`key`: of a map, not a field of an object."""

    name: str
    key: bool


def find(text: str, schema: Schema, *, brackets: bool = True) -> tuple[list[Step], Schema]:
    """The steps of a path, and the schema of the field that it leads to. PathError."""
    steps: list[Step] = []
    tokens = _TOKEN.findall(text)
    at = 0
    while at < len(tokens):
        if tokens[at] == "[":
            if not brackets:
                raise PathError("array notation is not allowed")
            name, at = _bracketed(tokens, at + 1), at + 3
        elif tokens[at] == ".":
            name, at = _next(tokens, at + 1), at + 2
        else:
            raise PathError(f"expected [ or . but got: {tokens[at]}")
        step, schema = _down(schema, name)
        steps.append(step)
    return steps, schema


def _next(tokens: list[str], at: int) -> str:
    if at >= len(tokens):
        raise PathError("unexpected end of JSON path")
    return tokens[at]


def _bracketed(tokens: list[str], at: int) -> str:
    token = _next(tokens, at)
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise PathError(f"expected single quoted string but got {token}")
    closing = _next(tokens, at + 1)
    if closing != "]":
        raise PathError(f"expected ] but got {closing}")
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), token[1:-1])


def _down(schema: Schema, name: str) -> tuple[Step, Schema]:
    own, others = properties(schema), additional(schema)
    if own:
        if name not in own:
            raise PathError(_NO_FIELD)
        return Step(name, False), own[name]
    if others is None:
        raise PathError(_NO_FIELD)
    return Step(name, True), others


def show(steps: list[Step]) -> str:
    """As field errors write it: `spec.labels[app]`."""
    text = "".join(f"[{step.name}]" if step.key else f".{step.name}" for step in steps)
    return text.removeprefix(".")
