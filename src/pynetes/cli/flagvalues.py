"""Values of flags, read as Go's flag library reads them, with its complaints."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from pynetes.apimachinery.quoting import go_quoted
from pynetes.apimachinery.times import parse_duration

_INTEGER = re.compile(r"[+-]?(?:[0-9]+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?", re.ASCII)


def complain(value: str, flag: str, problem: object) -> NoReturn:
    raise click.UsageError(f'invalid argument {go_quoted(value)} for "{flag}" flag: {problem}')


def integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"strconv.ParseInt: parsing {go_quoted(text)}: invalid syntax")
    return int(text, 0 if text.lstrip("+-")[1:2].isalpha() else 10)


def number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"strconv.ParseFloat: parsing {go_quoted(text)}: invalid syntax")
    return float(text)


def seconds(text: str) -> float:
    """`1m30s`; a bare number counts seconds, which Go's flags of whole seconds say so, and rates are no durations."""
    return float(text) if _NUMBER.fullmatch(text) else parse_duration(text)


class Value(click.ParamType[Any]):
    """`parse` raises ValueError with Go's text."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            complain(value, param.opts[0] if param else self.name, error)


TEXT = click.STRING
INTEGER = Value("integer", integer)
SECONDS = Value("duration", seconds)
PATH = click.Path(path_type=Path)
