"""`find` and `findAll`."""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery.cel import regex
from pynetes.apimachinery.cel.cost import CallEstimate, Estimator, Node, Range
from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.estimate import regex_estimate
from pynetes.apimachinery.cel.library.standard import regex_cost
from pynetes.apimachinery.cel.types import INT, STRING, list_of
from pynetes.apimachinery.cel.values import CelError


def _compiled(pattern: str) -> Any:
    try:
        return regex.compile_pattern(pattern)
    except regex.RegexError as error:
        raise CelError(f"Illegal regex: {error}") from None


def _find(text: str, pattern: str) -> str:
    match = _compiled(pattern).search(text)
    return str(match.group()) if match is not None else ""


def _find_all(text: str, pattern: str, count: int = -1) -> list[str]:
    found: list[str] = []
    end = -1
    for match in _compiled(pattern).finditer(text):
        if count >= 0 and len(found) >= count:
            break
        # An empty match right behind another is none, in Go.
        if match.start() == match.end() == end:
            continue
        found.append(str(match.group()))
        end = match.end()
    return found


def _cost(args: Sequence[Any], result: Any) -> int:
    return regex_cost(args[0], args[1])


def _estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    if target is None or not args:
        return None
    size = estimator.size(target)
    return CallEstimate(regex_estimate(size, estimator.size(args[0])), Range(0, size.max))


def declared() -> list[Function]:
    found = list_of(STRING)
    return [
        Function(
            "find", [Overload("string_find_string", (STRING, STRING), STRING, _find, member=True)], _cost, _estimate
        ),
        Function(
            "findAll",
            [
                Overload("string_find_all_string", (STRING, STRING), found, _find_all, member=True),
                Overload("string_find_all_string_int", (STRING, STRING, INT), found, _find_all, member=True),
            ],
            _cost,
            _estimate,
        ),
    ]
