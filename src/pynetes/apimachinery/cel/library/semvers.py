"""Semantic versions."""

import re
from collections.abc import Callable, Sequence
from functools import total_ordering
from typing import Any, ClassVar

from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.library.estimates import estimate_nominal, estimate_traversal, nominal, traversal
from pynetes.apimachinery.cel.types import BOOL, INT, STRING, Type, object_type
from pynetes.apimachinery.cel.values import CelError
from pynetes.apimachinery.quoting import go_quoted

SEMVER_TYPE = object_type("kubernetes.Semver")
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]+", re.ASCII)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_MAX = 2**64 - 1


@total_ordering
class Semver:
    """Build metadata does not count when versions are compared."""

    __slots__ = ("build", "numbers", "pre")
    cel_type: ClassVar[Type] = SEMVER_TYPE

    def __init__(self, numbers: tuple[int, int, int], pre: tuple[int | str, ...], build: tuple[str, ...]) -> None:
        self.numbers, self.pre, self.build = numbers, pre, build

    def _order(self) -> tuple[Any, ...]:
        pre = tuple((0, each, "") if isinstance(each, int) else (1, 0, each) for each in self.pre)
        return self.numbers, not self.pre, pre

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and other._order() == self._order()

    def __lt__(self, other: "Semver") -> bool:
        return self._order() < other._order()

    def __hash__(self) -> int:
        return hash(self._order())


def parse(text: str) -> Semver:
    """ValueError says what is wrong."""
    if not text:
        raise ValueError("Version string empty")
    parts = text.split(".", 2)
    if len(parts) != 3:
        raise ValueError("No Major.Minor.Patch elements found")
    major, minor = _number("major", parts[0]), _number("minor", parts[1])
    rest, plus, build_text = parts[2].partition("+")
    patch_text, dash, pre_text = rest.partition("-")
    patch = _number("patch", patch_text)
    pre = tuple(_prerelease(each) for each in pre_text.split(".")) if dash else ()
    build = tuple(build_text.split(".")) if plus else ()
    for each in build:
        if not each:
            raise ValueError("Build meta data is empty")
        if _IDENTIFIER.fullmatch(each) is None:
            raise ValueError(f"Invalid character(s) found in build meta data {go_quoted(each)}")
    return Semver((major, minor, patch), pre, build)


def _number(name: str, text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        if not text:
            raise ValueError('strconv.ParseUint: parsing "": invalid syntax')
        raise ValueError(f"Invalid character(s) found in {name} number {go_quoted(text)}")
    if len(text) > 1 and text[0] == "0":
        raise ValueError(f"{name.capitalize()} number must not contain leading zeroes {go_quoted(text)}")
    if len(text) > 20 or int(text) > _MAX:
        raise ValueError(f"strconv.ParseUint: parsing {go_quoted(text)}: value out of range")
    return int(text)


def _prerelease(text: str) -> int | str:
    if not text:
        raise ValueError("Prerelease is empty")
    if _NUMBER.fullmatch(text):
        if len(text) > 1 and text[0] == "0":
            raise ValueError(f"Numeric PreRelease version must not contain leading zeroes {go_quoted(text)}")
        return int(text[:20])
    if _IDENTIFIER.fullmatch(text) is None:
        raise ValueError(f"Invalid character(s) found in prerelease {go_quoted(text)}")
    return text


def normalized(text: str) -> Semver:
    """Also `v1.2`, `01.2`: without a leading v or zeros, filled up to three numbers."""
    parts = text.removeprefix("v").split(".", 2)
    for i, part in enumerate(parts):
        if len(part) > 1:
            stripped = part.lstrip("0")
            parts[i] = stripped if stripped[:1].isdigit() else "0" + stripped
    if len(parts) < 3:
        if "+" in parts[-1] or "-" in parts[-1]:
            raise ValueError("short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return parse(".".join(parts))


def _semver(text: str, normalize: bool = False) -> Semver:
    try:
        return normalized(text) if normalize else parse(text)
    except ValueError as error:
        raise CelError(str(error)) from None


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _semver(text, normalize)
    except CelError:
        return False
    return True


def _compare(left: Semver, right: Semver) -> int:
    return int(left > right) - int(left < right)


def declared() -> list[Function]:
    s = SEMVER_TYPE

    def accessor(name: str, overload: str, args: Sequence[Type], result: Type, run: Callable[..., Any]) -> Function:
        return Function(name, [Overload(overload, (s, *args), result, run, member=True)], nominal, estimate_nominal)

    def parsing(name: str, ids: tuple[str, str], result: Type, run: Callable[..., Any]) -> Function:
        made = [Overload(ids[0], (STRING,), result, run), Overload(ids[1], (STRING, BOOL), result, run)]
        return Function(name, made, traversal(), estimate_traversal())

    return [
        parsing("semver", ("string_to_semver", "string_bool_to_semver"), s, _semver),
        parsing("isSemver", ("is_semver_string", "is_semver_string_bool"), BOOL, _is_semver),
        accessor("isGreaterThan", "semver_is_greater_than", (s,), BOOL, lambda a, b: a > b),
        accessor("isLessThan", "semver_is_less_than", (s,), BOOL, lambda a, b: a < b),
        accessor("compareTo", "semver_compare_to", (s,), INT, _compare),
        accessor("major", "semver_major", (), INT, lambda v: v.numbers[0]),
        accessor("minor", "semver_minor", (), INT, lambda v: v.numbers[1]),
        accessor("patch", "semver_patch", (), INT, lambda v: v.numbers[2]),
    ]
