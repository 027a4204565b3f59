"""Lists: Kubernetes' library (isSorted, sum, min, max, indexOf, lastIndexOf) and the extension in version 3."""

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any

from pynetes.apimachinery.cel.ast import Literal
from pynetes.apimachinery.cel.cost import MAX, ONE, TRAVERSAL, CallEstimate, Estimator, Node, Range, fixed
from pynetes.apimachinery.cel.declarations import Function, Overload, StaticCost
from pynetes.apimachinery.cel.library.arithmetic import add
from pynetes.apimachinery.cel.library.estimates import allocated, allocating, deep_traversal
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
    type_param,
)
from pynetes.apimachinery.cel.values import (
    BudgetExceededError,
    CelError,
    Duration,
    UInt,
    compare,
    equals,
    size_of,
    type_of,
)

_A = type_param("A")
_T = type_param("T")
_LIST_A, _LIST_T = list_of(_A), list_of(_T)
_ZEROS: dict[Type, Any] = {INT: 0, UINT: UInt(0), DOUBLE: 0.0, DURATION: Duration(0)}
#: Beyond it the list costs more than any evaluation may, and is not even made.
_MAX_RANGE = 1_000_000


def _short(t: Type) -> str:
    return str(t)


def _is_sorted(items: list[Any]) -> bool:
    return all(compare(items[i], items[i + 1]) <= 0 for i in range(len(items) - 1))


def _summing(zero: Any) -> Callable[[list[Any]], Any]:
    def run(items: list[Any]) -> Any:
        total = zero
        for item in items:
            total = add(total, item)
        return total

    return run


def _extreme(name: str, sign: int) -> Callable[[list[Any]], Any]:
    def run(items: list[Any]) -> Any:
        if not items:
            raise CelError(f"{name} called on empty list")
        best = items[0]
        for item in items[1:]:
            if compare(best, item) == sign:
                best = item
        return best

    return run


def _index_of(items: list[Any], wanted: Any) -> int:
    return next((i for i, item in enumerate(items) if equals(item, wanted)), -1)


def _last_index_of(items: list[Any], wanted: Any) -> int:
    return next((i for i in reversed(range(len(items))) if equals(items[i], wanted)), -1)


def _traversal(args: Sequence[Any], result: Any) -> int:
    return deep_traversal(args[0])


def _estimate_scan(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    """One for each element, and going through it if it is text; of a string, going through it."""
    if target is None:
        return None
    size = estimator.size(target)
    element = estimator.element(target)
    if element is None:
        return CallEstimate(size.by(TRAVERSAL))
    each = ONE
    if element.type.kind in ("string", "bytes"):
        each = each.plus(estimator.size(element).by(TRAVERSAL))
    return CallEstimate(size.times(each))


# --- the extension


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    what = f"cannot slice({start}, {end}),"
    if start < 0 or end < 0:
        raise CelError(f"{what} negative indexes not supported")
    if start > end:
        raise CelError(f"{what} start index must be less than or equal to end index")
    if len(items) < end:
        raise CelError(f"{what} list is length {len(items)}")
    return list(items[start:end])


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise CelError("level must be non-negative")
    flat: list[Any] = []
    for item in items:
        if isinstance(item, list) and depth:
            flat += _flatten(item, depth - 1)
        else:
            flat.append(item)
    return flat


def _sort(items: list[Any]) -> list[Any]:
    return _sort_by(items, items)


def _sort_by(items: list[Any], keys: list[Any]) -> list[Any]:
    if len(items) != len(keys):
        raise CelError(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got "
            f"{len(items)} and {len(keys)} elements respectively"
        )
    if not items:
        return items
    if type_of(keys[0]) not in COMPARABLE:
        raise CelError("list elements must be comparable")
    if any(type(key) is not type(keys[0]) for key in keys):
        raise CelError("list elements must have the same type")
    pairs = sorted(zip(keys, items, strict=True), key=cmp_to_key(_by_key))
    return [item for _, item in pairs]


def _by_key(left: tuple[Any, Any], right: tuple[Any, Any]) -> int:
    return compare(left[0], right[0])


def _range(count: int) -> list[int]:
    if count > _MAX_RANGE:
        raise BudgetExceededError
    return list(range(count))


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not any(equals(item, other) for other in found):
            found.append(item)
    return found


def _result_cost(args: Sequence[Any], result: Any) -> int:
    return allocated(1, size_of(result))


def _flatten_cost(args: Sequence[Any], result: Any) -> int:
    return allocated(float(args[1]) if len(args) == 2 else 1.0, size_of(args[0]))


def _square_cost(position: int) -> Callable[[Sequence[Any], Any], int]:
    def cost(args: Sequence[Any], result: Any) -> int:
        items = args[position]
        factor = 2 + TRAVERSAL if items and type(items[0]) in (str, bytes) else 2.0
        return allocated(factor, len(items) ** 2)

    return cost


def _literal_int(node: Node, otherwise: int) -> int:
    if isinstance(node.expr, Literal) and type(node.expr.value) is int:
        return max(node.expr.value, 0)
    return otherwise


def _estimate_slice(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    if target is None or len(args) != 2:
        return None
    end = _literal_int(args[1], estimator.size(target).max)
    return allocating(1, fixed((end - _literal_int(args[0], 0)) % (MAX + 1)))


def _estimate_range(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return allocating(1, fixed(_literal_int(args[0], MAX)))


def _estimate_reverse(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return allocating(1, estimator.size(target)) if target is not None else None


def _estimate_flatten(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    if target is None:
        return None
    return allocating(float(_literal_int(args[0], MAX) if args else 1), estimator.size(target))


def _estimate_square(of_argument: bool, t: Type | None = None) -> StaticCost:
    factor = 2 + TRAVERSAL if t in (STRING, BYTES) else 2.0

    def estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
        node = args[0] if of_argument else target
        if node is None:
            return None
        size: Range = estimator.size(node)
        return allocating(factor, size.times(size))

    return estimate


def _kubernetes() -> list[Function]:
    def templated(
        name: str, types: Sequence[Type], overload: str, run: Callable[[Type], Callable[..., Any]]
    ) -> Function:
        made = [
            Overload(
                overload.format(_short(t)),
                (list_of(t),),
                BOOL if name == "isSorted" else t,
                run(t),
                member=True,
            )
            for t in types
        ]
        return Function(name, made, _traversal, _estimate_scan)

    smallest, largest = _extreme("min", 1), _extreme("max", -1)
    return [
        templated("isSorted", COMPARABLE, "list_{}_is_sorted_bool", lambda t: _is_sorted),
        templated("sum", (INT, UINT, DOUBLE, DURATION), "list_{0}_sum_{0}", lambda t: _summing(_ZEROS[t])),
        templated("max", COMPARABLE, "list_{0}_max_{0}", lambda t: largest),
        templated("min", COMPARABLE, "list_{0}_min_{0}", lambda t: smallest),
        Function(
            "indexOf",
            [Overload("list_a_index_of_int", (_LIST_A, _A), INT, _index_of, member=True)],
            _traversal,
            _estimate_scan,
        ),
        Function(
            "lastIndexOf",
            [Overload("list_a_last_index_of_int", (_LIST_A, _A), INT, _last_index_of, member=True)],
            _traversal,
            _estimate_scan,
        ),
    ]


def declared() -> list[Function]:
    def member(
        name: str,
        overload: str,
        args: tuple[Type, ...],
        result: Type,
        run: Callable[..., Any],
        cost: Any,
        estimate: Any,
    ) -> Function:
        return Function(name, [Overload(overload, args, result, run, member=True, cost=cost, estimate=estimate)])

    flatten = member(
        "flatten", "list_flatten", (list_of(_LIST_T),), _LIST_T, _flatten, _flatten_cost, _estimate_flatten
    )
    flatten.overloads.append(
        Overload(
            "list_flatten_int",
            (list_of(DYN), INT),
            list_of(DYN),
            _flatten,
            member=True,
            cost=_flatten_cost,
            estimate=_estimate_flatten,
        )
    )
    sort = Function("sort")
    sort_by = Function("@sortByAssociatedKeys")
    for t in (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES):
        sort.overloads.append(
            Overload(
                f"list_{t.name}_sort",
                (list_of(t),),
                list_of(t),
                _sort,
                member=True,
                cost=_square_cost(0),
                estimate=_estimate_square(False, t),
            )
        )
        sort_by.overloads.append(
            Overload(
                f"list_{t.name}_sortByAssociatedKeys",
                (_LIST_T, list_of(t)),
                _LIST_T,
                _sort_by,
                member=True,
                cost=_square_cost(1),
                estimate=_estimate_square(True, t),
            )
        )
    return [
        *_kubernetes(),
        member("slice", "list_slice", (_LIST_T, INT, INT), _LIST_T, _slice, _result_cost, _estimate_slice),
        flatten,
        sort,
        sort_by,
        Function(
            "lists.range",
            [Overload("lists_range", (INT,), list_of(INT), _range, cost=_result_cost, estimate=_estimate_range)],
        ),
        member(
            "reverse",
            "list_reverse",
            (_LIST_T,),
            _LIST_T,
            lambda items: list(reversed(items)),
            _result_cost,
            _estimate_reverse,
        ),
        member("distinct", "list_distinct", (_LIST_T,), _LIST_T, _distinct, _square_cost(0), _estimate_square(False)),
    ]
