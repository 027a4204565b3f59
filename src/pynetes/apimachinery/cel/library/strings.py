"""The string extension in the version that Kubernetes has (2): positions count characters."""

from collections.abc import Callable, Sequence
from typing import Any

from pynetes.apimachinery.cel.ast import Literal
from pynetes.apimachinery.cel.cost import MAX, TRAVERSAL, ZERO, CallEstimate, Estimator, Node, Range, string_cost
from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.library.estimates import estimate_target, traversal
from pynetes.apimachinery.cel.library.formatting import format_text
from pynetes.apimachinery.cel.types import DYN, INT, STRING, Type, list_of
from pynetes.apimachinery.cel.values import CelError, size_of

_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_QUOTED = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


def _out_of_range(index: int) -> CelError:
    return CelError(f"index out of range: {index}")


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise _out_of_range(index)
    return text[index : index + 1]


def _index_of(text: str, part: str, offset: int = 0) -> int:
    if not part:
        return offset
    if offset < 0:
        raise _out_of_range(offset)
    return text.find(part, offset)


def _last_index_of(text: str, part: str, offset: int | None = None) -> int:
    if offset is None:
        return text.rfind(part)
    if not part:
        return offset
    if offset < 0:
        raise _out_of_range(offset)
    return -1 if offset >= len(text) else text.rfind(part, 0, offset + len(part))


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if not separator:
        if count < 0 or count >= len(text):
            return list(text)
        return [*text[: count - 1], text[count - 1 :]]
    return text.split(separator, count - 1 if count > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if end is not None and start > end:
        raise CelError(f"invalid substring range. start: {start}, end: {end}")
    for index in (start, stop):
        if not 0 <= index <= len(text):
            raise _out_of_range(index)
    return text[start:stop]


def _join(parts: list[Any], separator: str = "") -> str:
    for part in parts:
        if type(part) is not str:
            raise CelError(f"join: invalid input: {part}")
    return separator.join(parts)


def _quote(text: str) -> str:
    return f'"{text.translate(_QUOTED)}"'


def _joined_cost(args: Sequence[Any], result: Any) -> int:
    return string_cost(size_of(result), 2)


def _estimate_join(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    if target is None:
        return None
    count, size = estimator.size(target), ZERO
    element = estimator.element(target)
    if element is not None:
        size = count.times(estimator.size(element))
    if args:
        separators = Range(max(count.min - 1, 0), max(count.max - 1, 0))
        size = size.plus(estimator.size(args[0]).times(separators))
    return CallEstimate(size.by(TRAVERSAL), size)


def _estimate_split(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    if target is None:
        return None
    size = estimator.size(target)
    most = size.max
    if len(args) > 1 and isinstance(args[1].expr, Literal) and type(args[1].expr.value) is int:
        most = args[1].expr.value % (MAX + 1)
    return CallEstimate(size.by(2 * TRAVERSAL), Range(0, most))


def _estimate_replace(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    """The result is longest if the shortest text is replaced by the longest everywhere, and the other way round."""
    if target is None or len(args) < 2:
        return None
    size, old, new = estimator.size(target), estimator.size(args[0]), estimator.size(args[1])
    if old.min == 0:
        most, kept_most = min(size.max + 1, MAX), size.max
    elif new.max <= old.min:
        most, kept_most = 0, size.max
    else:
        most, kept_most = Range(size.max, 0).by(1 / old.min).min, 0
    if old.max == 0:
        least, kept_least = min(size.min + 1, MAX), size.min
    elif old.max <= new.min:
        least, kept_least = 0, size.min
    else:
        least, kept_least = Range(size.min, 0).by(1 / old.max).min, 0
    result = Range(least, most).times(new).plus(Range(kept_least, kept_most))
    return CallEstimate(size.by(2 * TRAVERSAL), result)


def _quote_estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    size = estimator.size(args[0])
    return CallEstimate(size.by(TRAVERSAL), Range(min(size.min + 2, MAX), min(size.max * 2 + 2, MAX)))


def _members(result: Type, run: Callable[..., Any], *kinds: tuple[str, tuple[Type, ...]]) -> list[Overload]:
    return [Overload(overload, (STRING, *args), result, run, member=True) for overload, args in kinds]


def declared() -> list[Function]:
    once, twice = traversal(), traversal(2)
    strings = list_of(STRING)
    positions = ((STRING,), (STRING, INT))
    return [
        Function("charAt", _members(STRING, _char_at, ("string_char_at_int", (INT,)))),
        *(
            Function(
                name,
                _members(
                    INT, run, (f"string_{prefix}_string", positions[0]), (f"string_{prefix}_string_int", positions[1])
                ),
            )
            for name, prefix, run in (
                ("indexOf", "index_of", _index_of),
                ("lastIndexOf", "last_index_of", _last_index_of),
            )
        ),
        Function(
            "lowerAscii",
            _members(STRING, lambda text: text.translate(_LOWER), ("string_lower_ascii", ())),
            once,
            estimate_target(),
        ),
        Function(
            "upperAscii",
            _members(STRING, lambda text: text.translate(_UPPER), ("string_upper_ascii", ())),
            once,
            estimate_target(),
        ),
        Function(
            "replace",
            _members(
                STRING,
                _replace,
                ("string_replace_string_string", (STRING, STRING)),
                ("string_replace_string_string_int", (STRING, STRING, INT)),
            ),
            twice,
            _estimate_replace,
        ),
        Function(
            "split",
            _members(strings, _split, ("string_split_string", (STRING,)), ("string_split_string_int", (STRING, INT))),
            twice,
            _estimate_split,
        ),
        Function(
            "substring",
            _members(STRING, _substring, ("string_substring_int", (INT,)), ("string_substring_int_int", (INT, INT))),
            once,
            estimate_target(),
        ),
        Function(
            "trim", _members(STRING, lambda text: text.strip(_SPACE), ("string_trim", ())), once, estimate_target()
        ),
        Function(
            "join",
            [
                Overload("list_join", (strings,), STRING, _join, member=True),
                Overload("list_join_string", (strings, STRING), STRING, _join, member=True),
            ],
            _joined_cost,
            _estimate_join,
        ),
        Function(
            "format",
            [
                Overload(
                    "string_format",
                    (STRING, list_of(DYN)),
                    STRING,
                    format_text,
                    member=True,
                    cost=once,
                    estimate=estimate_target(sized=False),
                )
            ],
        ),
        Function(
            "strings.quote",
            [Overload("strings_quote", (STRING,), STRING, _quote, cost=once, estimate=_quote_estimate)],
        ),
    ]
