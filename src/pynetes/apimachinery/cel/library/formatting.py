"""`'%s is %d'.format([…])`: the clauses of the string extension before its version 4, in the locale en_US.

`check_format` finds in advance, with types instead of values, what would go wrong.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from pynetes.apimachinery.cel.library.conversions import timestamp_text
from pynetes.apimachinery.cel.types import Type
from pynetes.apimachinery.cel.values import CelError, Duration, Timestamp, display, general, type_of

_CLAUSE = re.compile(r"%(?:(%)|(?:\.([0-9]*))?(.)?)", re.DOTALL | re.ASCII)
_PRECISION = 6
_SPECIAL = ("NaN", "Infinity", "-Infinity")
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

#: By clause: the kinds of types that fit, and what is said of others.
_CLAUSES: dict[str, tuple[frozenset[str], str]] = {
    "s": (
        frozenset(
            (
                *("list", "map", "int", "uint", "double", "bool", "string", "timestamp", "bytes", "duration"),
                *("type", "null"),
            )
        ),
        "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and "
        "timestamps, was given {}",
    ),
    "d": (frozenset(("int", "uint")), "decimal clause can only be used on integers, was given {}"),
    "f": (frozenset(("double", "string")), "fixed-point clause can only be used on doubles, was given {}"),
    "e": (frozenset(("double", "string")), "scientific clause can only be used on doubles, was given {}"),
    "b": (frozenset(("int", "uint", "bool")), "only integers and bools can be formatted as binary, was given {}"),
    "x": (
        frozenset(("int", "uint", "string", "bytes")),
        "only integers, byte buffers, and strings can be formatted as hex, was given {}",
    ),
    "o": (frozenset(("int", "uint")), "octal clause can only be used on integers, was given {}"),
}
_CLAUSES["X"] = _CLAUSES["x"]


class FormatError(Exception):
    """`argument` is the index of the argument at fault, -1 if it is the text."""

    def __init__(self, message: str, argument: int = -1) -> None:
        super().__init__(message)
        self.argument = argument


def format_text(text: str, args: list[Any]) -> str:
    out: list[str] = []
    try:
        for literal, clause, precision, index in _parse(text, len(args)):
            out.append(literal)
            if clause:
                out.append(_formatted(clause, precision, args[index], index))
    except FormatError as error:
        raise CelError(str(error)) from None
    return "".join(out)


def check_format(text: str, types: Sequence[Type]) -> int:
    """How many arguments the text wants; FormatError if it is wrong or one of them is of a wrong type."""
    wanted = 0
    for _, clause, _, index in _parse(text, len(types)):
        if clause:
            wanted += 1
            kinds, message = _CLAUSES[clause]
            if types[index].kind not in kinds and types[index].kind != "dyn":
                raise FormatError(f"error during formatting: {message.format(types[index].name)}", index)
    return wanted


def _parse(text: str, count: int) -> list[tuple[str, str, int | None, int]]:
    """Literal text, then the clause after it with its precision and argument."""
    found: list[tuple[str, str, int | None, int]] = []
    start = index = 0
    for match in _CLAUSE.finditer(text):
        literal = text[start : match.start()]
        start = match.end()
        if match.group(1):
            found.append((literal + "%", "", None, 0))
            continue
        if index >= count:
            raise FormatError(f"index {index} out of range")
        precision, clause = match.group(2), match.group(3)
        if clause is None:
            if precision is None:
                raise FormatError("unexpected end of string")
            problem = "could not find end of precision specifier"
            raise FormatError(f"could not parse formatting clause: error while parsing precision: {problem}")
        if precision == "":
            problem = 'error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax'
            raise FormatError(f"could not parse formatting clause: error while parsing precision: {problem}")
        if clause not in _CLAUSES:
            problem = f'unrecognized formatting clause "{clause}"'
            raise FormatError(f"could not parse formatting clause: {problem}")
        found.append((literal, clause, int(precision) if precision is not None else None, index))
        index += 1
    found.append((text[start:], "", None, 0))
    return found


def _formatted(clause: str, precision: int | None, value: Any, index: int) -> str:
    kinds, message = _CLAUSES[clause]
    kind = type_of(value).kind
    floating = clause in ("f", "e") and kind == "string"
    if kind not in kinds or (floating and value not in _SPECIAL):
        raise FormatError(f"error during formatting: {message.format(type_of(value).name)}", index)
    return _FORMATS[clause](value, _PRECISION if precision is None else min(precision, 400))


def _text(value: Any, precision: int) -> str:
    match value:
        case list():
            return "[" + ", ".join(_literal(each) for each in value) + "]"
        case dict():
            pairs = sorted((_literal(key), _literal(each)) for key, each in value.items())
            return "{" + ", ".join(f"{key}:{each}" for key, each in pairs) + "}"
        case Timestamp():
            return timestamp_text(value)
        case bytes():
            return value.decode("utf-8", "replace")
        case float():
            return general(value)
    return display(value)


def _literal(value: Any) -> str:
    """As CEL would write it, inside of lists and maps."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case bytes():
            return "b" + json.dumps(value.decode("utf-8", "replace"), ensure_ascii=False)
        case float():
            if math.isnan(value) or math.isinf(value):
                return json.dumps(general(value))
            return f"{value:.6f}"
        case Timestamp():
            return f'timestamp("{timestamp_text(value)}")'
        case Duration():
            return f'duration("{value}")'
    if type_of(value).kind not in _CLAUSES["s"][0]:
        raise FormatError(f"error during formatting: no formatting function for {type_of(value).name}")
    return _text(value, _PRECISION)


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _special(value: Any) -> str:
    number = float(value)
    return "NaN" if math.isnan(number) else "∞" if number > 0 else "-∞"


def _fixed(value: Any, precision: int) -> str:
    number = _number(value)
    return _special(value) if number is None else f"{number:,.{precision}f}"


def _scientific(value: Any, precision: int) -> str:
    number = _number(value)
    if number is None:
        return _special(value)
    # The original takes the precision for the width, which no number falls short of.
    mantissa, _, exponent = f"{number:.{_PRECISION}e}".partition("e")
    power = int(exponent)
    digits = f"{power:03d}" if power < 0 else f"{power:02d}"
    return f"{mantissa}×10{digits.translate(_SUPERSCRIPT)}"


def _binary(value: Any, precision: int) -> str:
    return f"{int(value):b}"


def _hex(value: Any, precision: int) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").hex()
    return value.hex() if isinstance(value, bytes) else f"{value:x}"


_FORMATS: dict[str, Callable[[Any, int], str]] = {
    "s": _text,
    "d": lambda value, precision: str(int(value)),
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "x": _hex,
    "X": lambda value, precision: _hex(value, precision).upper(),
    "o": lambda value, precision: f"{value:o}",
}
