"""CEL's standard functions and operators.

Operators whose arguments are not all evaluated (`&&`, `||`, `?:`), and those on which the planner knows a shorter way,
have no `run` here: the planner compiles them itself.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pynetes.apimachinery.cel import regex
from pynetes.apimachinery.cel.cost import (
    MAX,
    ONE,
    REGEX_LENGTH,
    TRAVERSAL,
    CallEstimate,
    Estimator,
    Node,
    Range,
    string_cost,
)
from pynetes.apimachinery.cel.declarations import Function, Overload, RuntimeCost, StaticCost
from pynetes.apimachinery.cel.estimate import regex_estimate
from pynetes.apimachinery.cel.library import arithmetic
from pynetes.apimachinery.cel.types import (
    BOOL,
    BYTES,
    COMPARABLE,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    optional_of,
    type_of_type,
    type_param,
)
from pynetes.apimachinery.cel.values import CelError, compare, contains, equals, lookup, size_of, type_of

A, B = type_param("A"), type_param("B")
LIST_A, MAP_AB = list_of(A), map_of(A, B)
_NAMES = {
    BOOL: "bool",
    INT: "int64",
    UINT: "uint64",
    DOUBLE: "double",
    STRING: "string",
    BYTES: "bytes",
    TIMESTAMP: "timestamp",
    DURATION: "duration",
}


#: Types of Kubernetes' whose values are compared at once.
_CONSTANT_TYPES = frozenset(
    (
        *("net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"),
        *(f"kubernetes.authorization.{name}" for name in ("Authorizer", "PathCheck", "GroupCheck", "ResourceCheck")),
        "kubernetes.authorization.Decision",
    )
)
_MAX_FORMAT = 64

# --- costs


def traverse(args: Sequence[Any], result: Any) -> int:
    """Of going through the first argument."""
    return string_cost(size_of(args[0]))


def _shorter(args: Sequence[Any], result: Any) -> int:
    return string_cost(min(size_of(args[0]), size_of(args[1])))


def _both(args: Sequence[Any], result: Any) -> int:
    return string_cost(size_of(args[0]) + size_of(args[1]))


def _product(args: Sequence[Any], result: Any) -> int:
    return string_cost(size_of(args[0])) * string_cost(size_of(args[1]))


def regex_cost(text: str, pattern: str) -> int:
    return Range(len(text) + 1, 0).by(TRAVERSAL).min * Range(len(pattern), 0).by(REGEX_LENGTH).min


def _regex(args: Sequence[Any], result: Any) -> int:
    return regex_cost(args[0], args[1])


def _members(args: Sequence[Any], result: Any) -> int:
    return size_of(args[1])


def _estimate_argument(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return CallEstimate(estimator.size(args[0]).by(TRAVERSAL)) if len(args) == 1 else None


def estimate_to_bytes(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    size = estimator.size(args[0])
    return CallEstimate(size.by(TRAVERSAL), Range(size.min, min(size.max * 4, MAX)))


def estimate_from_bytes(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    size = estimator.size(args[0])
    return CallEstimate(size.by(TRAVERSAL), Range(size.min // 4, size.max))


def _estimate_members(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return CallEstimate(estimator.size(args[1]).by(1)) if len(args) == 2 else None


def _estimate_matches(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    if target is None or len(args) != 1:
        return None
    return CallEstimate(regex_estimate(estimator.size(target), estimator.size(args[0])))


def _estimate_contains(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    if target is None or len(args) != 1:
        return None
    return CallEstimate(estimator.size(target).by(TRAVERSAL).times(estimator.size(args[0]).by(TRAVERSAL)))


def _equality(args: Sequence[Any], result: Any) -> int:
    """Addresses and networks count as one, though they have sizes."""
    return 1 if hasattr(args[0], "cost_size") else _shorter(args, result)


def _estimate_equality(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    """Of Kubernetes' own types; others are compared by size."""
    if len(args) != 2 or args[0].type != args[1].type:
        return None
    name = args[0].type.name
    if name in _CONSTANT_TYPES:
        return CallEstimate(ONE)
    if name == "kubernetes.NamedFormat":
        return CallEstimate(Range(1, _MAX_FORMAT).by(TRAVERSAL))
    if name == "kubernetes.URL":
        size = args[1].size
        return CallEstimate(Range(1, size.max if size is not None else 1).by(TRAVERSAL))
    return None


# --- operators


def _binary(name: str, run: Callable[[Any, Any], Any], *kinds: tuple[str, Type, Type, Type]) -> Function:
    return Function(name, [Overload(suffix, (left, right), result, run) for suffix, left, right, result in kinds])


def _arithmetic() -> list[Function]:
    add = _binary(
        "_+_",
        arithmetic.add,
        ("add_double", DOUBLE, DOUBLE, DOUBLE),
        ("add_duration_duration", DURATION, DURATION, DURATION),
        ("add_duration_timestamp", DURATION, TIMESTAMP, TIMESTAMP),
        ("add_timestamp_duration", TIMESTAMP, DURATION, TIMESTAMP),
        ("add_int64", INT, INT, INT),
        ("add_list", LIST_A, LIST_A, LIST_A),
        ("add_uint64", UINT, UINT, UINT),
    )
    add.overloads.insert(0, Overload("add_bytes", (BYTES, BYTES), BYTES, arithmetic.add, cost=_both))
    add.overloads.insert(-1, Overload("add_string", (STRING, STRING), STRING, arithmetic.add, cost=_both))
    numbers = ((DOUBLE, "double"), (INT, "int64"), (UINT, "uint64"))
    subtract = _binary(
        "_-_",
        arithmetic.subtract,
        ("subtract_double", DOUBLE, DOUBLE, DOUBLE),
        ("subtract_duration_duration", DURATION, DURATION, DURATION),
        ("subtract_int64", INT, INT, INT),
        ("subtract_timestamp_duration", TIMESTAMP, DURATION, TIMESTAMP),
        ("subtract_timestamp_timestamp", TIMESTAMP, TIMESTAMP, DURATION),
        ("subtract_uint64", UINT, UINT, UINT),
    )
    return [
        add,
        subtract,
        _binary("_*_", arithmetic.multiply, *((f"multiply_{name}", t, t, t) for t, name in numbers)),
        _binary("_/_", arithmetic.divide, *((f"divide_{name}", t, t, t) for t, name in numbers)),
        _binary("_%_", arithmetic.modulo, *((f"modulo_{name}", t, t, t) for t, name in numbers[1:])),
        Function(
            "-_",
            [
                Overload("negate_double", (DOUBLE,), DOUBLE, arithmetic.negate),
                Overload("negate_int64", (INT,), INT, arithmetic.negate),
            ],
        ),
    ]


_RELATIONS: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
    ("_<_", "less", lambda a, b: _compared(a, b, "_<_") < 0),
    ("_<=_", "less_equals", lambda a, b: _compared(a, b, "_<=_") <= 0),
    ("_>_", "greater", lambda a, b: _compared(a, b, "_>_") > 0),
    ("_>=_", "greater_equals", lambda a, b: _compared(a, b, "_>=_") >= 0),
)


def _compared(left: Any, right: Any, name: str) -> int:
    if type_of(left) not in COMPARABLE:
        raise CelError(f"no such overload: {name}")
    return compare(left, right)


def _relation(name: str, prefix: str, run: Callable[[Any, Any], bool]) -> Function:
    overloads: list[Overload] = []
    for left in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION):
        for right in (INT, UINT, DOUBLE) if left in (INT, UINT, DOUBLE) else (left,):
            suffix = _NAMES[left] if left == right else f"{_NAMES[left]}_{_NAMES[right]}"
            cost = _shorter if left in (STRING, BYTES) else None
            overloads.append(Overload(f"{prefix}_{suffix}", (left, right), BOOL, run, cost=cost))
    return Function(name, overloads)


def _in(value: Any, items: Any) -> bool:
    if isinstance(items, list):
        return contains(items, value)
    return lookup(items, value) is not _ABSENT


_ABSENT = lookup({}, "")


def _index(items: Any, key: Any) -> Any:
    raise AssertionError("the planner compiles indexes")


def _operators() -> list[Function]:
    opt = optional_of
    return [
        Function("_?_:_", [Overload("conditional", (BOOL, A, A), A)]),
        Function("_&&_", [Overload("logical_and", (BOOL, BOOL), BOOL)]),
        Function("_||_", [Overload("logical_or", (BOOL, BOOL), BOOL)]),
        Function("!_", [Overload("logical_not", (BOOL,), BOOL, arithmetic.invert)]),
        Function("@not_strictly_false", [Overload("not_strictly_false", (BOOL,), BOOL)]),
        Function("_==_", [Overload("equals", (A, A), BOOL, equals, cost=_equality, estimate=_estimate_equality)]),
        Function("_!=_", [Overload("not_equals", (A, A), BOOL, lambda a, b: not equals(a, b), cost=_shorter)]),
        *_arithmetic(),
        *(_relation(*each) for each in _RELATIONS),
        Function(
            "_[_]",
            [
                Overload("index_list", (LIST_A, INT), A, _index),
                Overload("index_map", (MAP_AB, A), B, _index),
                Overload("optional_list_index_int", (opt(LIST_A), INT), opt(A), _index),
                Overload("optional_map_index_value", (opt(MAP_AB), A), opt(B), _index),
            ],
        ),
        Function(
            "_[?_]",
            [
                Overload("list_optindex_optional_int", (LIST_A, INT), opt(A), _index),
                Overload("optional_list_optindex_optional_int", (opt(LIST_A), INT), opt(A), _index),
                Overload("map_optindex_optional_value", (MAP_AB, A), opt(B), _index),
                Overload("optional_map_optindex_optional_value", (opt(MAP_AB), A), opt(B), _index),
            ],
        ),
        Function("_?._", [Overload("select_optional_field", (DYN, STRING), opt(A), _index)]),
        Function(
            "@in",
            [
                Overload("in_list", (A, LIST_A), BOOL, _in, cost=_members, estimate=_estimate_members),
                Overload("in_map", (A, MAP_AB), BOOL, _in),
            ],
        ),
    ]


# --- functions


def _size(value: Any) -> int:
    try:
        return len(value)
    except TypeError:
        raise CelError("no such overload: size") from None


def _sizes() -> Function:
    overloads: list[Overload] = []
    for t, name in ((BYTES, "bytes"), (LIST_A, "list"), (MAP_AB, "map"), (STRING, "string")):
        overloads.append(Overload(f"size_{name}", (t,), INT, _size))
        overloads.append(Overload(f"{name}_size", (t,), INT, _size, member=True))
    return Function("size", overloads)


def _starts(text: str, prefix: str) -> bool:
    return text.startswith(prefix)


def _ends(text: str, suffix: str) -> bool:
    return text.endswith(suffix)


def _contains(text: str, part: str) -> bool:
    return part in text


def _matches(text: str, pattern: str) -> bool:
    try:
        return regex.matches(regex.compile_pattern(pattern), text)
    except regex.RegexError as error:
        raise CelError(str(error)) from None


def _on_strings(
    name: str, overload: str, run: Callable[[str, str], bool], cost: RuntimeCost, estimate: StaticCost
) -> Function:
    made = Overload(overload, (STRING, STRING), BOOL, run, member=True, cost=cost, estimate=estimate)
    return Function(name, [made])


def declared() -> list[Function]:
    matching = _on_strings("matches", "matches_string", _matches, _regex, _estimate_matches)
    matching.overloads.insert(0, Overload("matches", (STRING, STRING), BOOL, _matches))
    return [
        *_operators(),
        _sizes(),
        _on_strings("startsWith", "starts_with_string", _starts, traverse, _estimate_argument),
        _on_strings("endsWith", "ends_with_string", _ends, traverse, _estimate_argument),
        _on_strings("contains", "contains_string", _contains, _product, _estimate_contains),
        matching,
        Function("type", [Overload("type", (A,), type_of_type(A), arithmetic.type_value)]),
        Function("dyn", [Overload("to_dyn", (A,), DYN, lambda value: value)]),
    ]


#: Names of types that expressions can use as values.
TYPE_NAMES: dict[str, Type] = {
    **{t.name: t for t in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION)},
    "null_type": Type("null", "null_type"),
    "list": list_of(A),
    "map": map_of(A, B),
    "type": Type("type", "type"),
    "dyn": DYN,
    "optional_type": optional_of(A),
}
