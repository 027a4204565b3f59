"""Calls: which overload, and closures that evaluate arguments, compute, and charge."""

from collections.abc import Callable, Sequence
from typing import Any

from pynetes.apimachinery.cel import regex
from pynetes.apimachinery.cel.ast import Call
from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.plan import COST, LIMIT, Frame, Plan, PlanError, Run, constant
from pynetes.apimachinery.cel.types import Type
from pynetes.apimachinery.cel.values import (
    BudgetExceededError,
    CelError,
    Duration,
    Timestamp,
    UInt,
    contains,
    no_such_overload,
    type_of,
)

#: Functions of the original that look at their arguments themselves.
_UNGUARDED = frozenset(("contains", "endsWith", "find", "findAll", "startsWith"))
#: Values whose class alone tells their type.
_SCALARS = frozenset((bool, bytes, float, int, str, Duration, Timestamp, UInt, type(None)))
_UNCOMPUTED = (TypeError, AttributeError, ValueError, IndexError, KeyError, OverflowError)


def is_sure(node: Call, overload: Overload) -> bool:
    """Whether the types alone say that the values fit."""
    given = [node.target, *node.args] if node.target is not None else node.args
    wanted = overload.args
    return all(
        arg is not None and (t.kind in ("param", "dyn") or (arg.type.kind == t.kind and _known(arg.type)))
        for arg, t in zip(given, wanted, strict=True)
    )


def _known(t: Type) -> bool:
    return t.kind not in ("dyn", "any", "error")


def dispatcher(name: str, function: Function, candidates: list[Overload]) -> Callable[..., Any]:
    """Chooses by the values' types. Operators say less about what did not fit."""
    operator = name[0] in "_!-@"
    known: dict[tuple[type, ...], Callable[..., Any]] = {}

    def dispatch(*values: Any) -> Any:
        kinds_given = tuple(map(type, values))
        run = known.get(kinds_given)
        if run is not None:
            return run(*values)
        for overload in candidates:
            if overload.accepts(values):
                assert overload.run is not None
                if _SCALARS.issuperset(kinds_given):
                    known[kinds_given] = overload.run
                return overload.run(*values)
        if operator and candidates[0].run is not None:
            return candidates[0].run(*values)
        if name == "size":
            raise CelError("no such overload: size")
        if operator or name in _UNGUARDED:
            raise no_such_overload()
        kinds = ", ".join(type_of(value).name for value in values)
        raise CelError(f"no such overload: {name}({kinds})")

    return dispatch


def comparing(
    compute: Callable[..., Any], cost: Callable[[Sequence[Any], Any], int] | None
) -> Callable[[Frame, Any, Any], Any]:
    def compare(frame: Frame, first: Any, second: Any) -> Any:
        try:
            result = compute(first, second)
            frame[COST] += cost((first, second), result) if cost is not None else 1
        except _UNCOMPUTED:
            raise no_such_overload() from None
        return result

    return compare


def applying(compute: Callable[..., Any], runs: tuple[Run, ...]) -> Run:
    if len(runs) == 1:
        (only,) = runs

        def one(frame: Frame) -> Any:
            value = only(frame)
            try:
                return compute(value)
            except _UNCOMPUTED:
                raise no_such_overload() from None

        return one
    if len(runs) == 2:
        left, right = runs

        def two(frame: Frame) -> Any:
            first, second = left(frame), right(frame)
            try:
                return compute(first, second)
            except _UNCOMPUTED:
                raise no_such_overload() from None

        return two

    def many(frame: Frame) -> Any:
        values = [run(frame) for run in runs]
        try:
            return compute(*values)
        except _UNCOMPUTED:
            raise no_such_overload() from None

    return many


def charging(compute: Callable[..., Any], runs: tuple[Run, ...], cost: Callable[[Sequence[Any], Any], int]) -> Run:
    def call(frame: Frame) -> Any:
        values = [run(frame) for run in runs]
        try:
            result = compute(*values)
            frame[COST] += cost(values, result)
        except _UNCOMPUTED:
            raise no_such_overload() from None
        if frame[COST] > frame[LIMIT]:
            raise BudgetExceededError
        return result

    return call


def membership(value: Plan, items: list[Any]) -> Plan:
    """`x in ['a', 'b']` costs no more than x."""
    run = value.run
    if not items:
        return constant(False)
    if all(type(item) is str for item in items):
        names = frozenset(items)

        def among(frame: Frame) -> bool:
            found = run(frame)
            return type(found) is str and found in names

        return Plan(among, value.cost)
    if all(type(item) in (bool, int, float) or isinstance(item, int) for item in items):
        return Plan(lambda frame: contains(items, run(frame)), value.cost)

    def search(frame: Frame) -> bool:
        frame[COST] += len(items)
        return contains(items, run(frame))

    return Plan(search, value.cost)


def literal_pattern(node: Call, args: list[Plan]) -> Callable[..., Any] | None:
    """A constant pattern is compiled once; one that does not compile is an error at once."""
    place = 1
    if len(args) <= place or not args[place].constant:
        return None
    text = args[place].run([])
    if type(text) is not str:
        return None
    try:
        pattern = regex.compile_pattern(text)
    except regex.RegexError as error:
        raise PlanError(str(error)) from None
    if node.function != "matches":
        return None
    return lambda value, _: regex.matches(pattern, _text(value))


def _text(value: Any) -> str:
    if type(value) is not str:
        raise no_such_overload()
    return value
