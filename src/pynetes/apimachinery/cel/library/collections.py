"""Sets, optional values, and inserting into maps (what transformMap is expanded to)."""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery.cel.cost import ONE, CallEstimate, Estimator, Node
from pynetes.apimachinery.cel.declarations import Function, Overload, RuntimeCost, StaticCost
from pynetes.apimachinery.cel.types import BOOL, list_of, map_of, optional_of, type_param
from pynetes.apimachinery.cel.values import (
    ABSENT,
    NONE,
    CelError,
    Optional,
    contains,
    display,
    is_zero,
    lookup,
    size_of,
)

_T, _K, _V = type_param("T"), type_param("K"), type_param("V")
_LIST_T, _LIST_V, _MAP_KV, _OPT_V = list_of(_T), list_of(_V), map_of(_K, _V), optional_of(_V)


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(contains(items, item) for item in wanted)


def _equivalent(left: list[Any], right: list[Any]) -> bool:
    return _contains_all(left, right) and _contains_all(right, left)


def _intersects(left: list[Any], right: list[Any]) -> bool:
    return any(contains(right, item) for item in left)


def _pairs(factor: int) -> RuntimeCost:
    def cost(args: Sequence[Any], result: Any) -> int:
        return 1 + size_of(args[0]) * size_of(args[1]) * factor

    return cost


def _estimate_pairs(factor: int) -> StaticCost:
    def estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
        if len(args) != 2:
            return None
        return CallEstimate(estimator.size(args[0]).times(estimator.size(args[1])).by(factor).plus(ONE))

    return estimate


def _set(name: str, overload: str, run: Any, factor: int) -> Function:
    return Function(
        name,
        [Overload(overload, (_LIST_T, _LIST_T), BOOL, run, cost=_pairs(factor), estimate=_estimate_pairs(factor))],
    )


def insert(items: dict[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    """A new map with one more entry; CelError if the key is there."""
    return insert_into(dict(items), key, value)


def insert_into(items: dict[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    """The same map with one more entry."""
    if lookup(items, key) is not ABSENT:
        raise CelError(f"insert failed: key {display(key)} already exists")
    items[key] = value
    return items


def merge_into(items: dict[Any, Any], more: dict[Any, Any]) -> dict[Any, Any]:
    for key, value in more.items():
        insert_into(items, key, value)
    return items


def _of_non_zero(value: Any) -> Optional:
    return NONE if is_zero(value) else Optional(value)


def _first(items: list[Any]) -> Optional:
    return Optional(items[0]) if items else NONE


def _last(items: list[Any]) -> Optional:
    return Optional(items[-1]) if items else NONE


def _unwrap(items: list[Any]) -> list[Any]:
    for item in items:
        if not isinstance(item, Optional):
            raise CelError(f"value {display(item)} is not optional")
    return [item.value for item in items if item.has_value]


def declared() -> list[Function]:
    optionals = list_of(_OPT_V)
    return [
        _set("sets.contains", "list_sets_contains_list", _contains_all, 1),
        _set("sets.intersects", "list_sets_intersects_list", _intersects, 1),
        _set("sets.equivalent", "list_sets_equivalent_list", _equivalent, 2),
        Function(
            "cel.@mapInsert",
            [
                Overload("@mapInsert_map_key_value", (_MAP_KV, _K, _V), _MAP_KV, insert),
                Overload("@mapInsert_map_map", (_MAP_KV, _MAP_KV), _MAP_KV, lambda a, b: merge_into(dict(a), b)),
            ],
        ),
        Function("optional.of", [Overload("optional_of", (_V,), _OPT_V, Optional)]),
        Function("optional.ofNonZeroValue", [Overload("optional_ofNonZeroValue", (_V,), _OPT_V, _of_non_zero)]),
        Function("optional.none", [Overload("optional_none", (), _OPT_V, lambda: NONE)]),
        Function("value", [Overload("optional_value", (_OPT_V,), _V, lambda opt: opt.value, member=True)]),
        Function("hasValue", [Overload("optional_hasValue", (_OPT_V,), BOOL, lambda opt: opt.has_value, member=True)]),
        Function("or", [Overload("optional_or_optional", (_OPT_V, _OPT_V), _OPT_V, member=True)]),
        Function("orValue", [Overload("optional_orValue_value", (_OPT_V, _V), _V, member=True)]),
        Function("first", [Overload("list_first", (_LIST_V,), _OPT_V, _first, member=True)]),
        Function("last", [Overload("list_last", (_LIST_V,), _OPT_V, _last, member=True)]),
        Function("optional.unwrap", [Overload("optional_unwrap", (optionals,), _LIST_V, _unwrap)]),
        Function("unwrapOpt", [Overload("optional_unwrapOpt", (optionals,), _LIST_V, _unwrap, member=True)]),
    ]
