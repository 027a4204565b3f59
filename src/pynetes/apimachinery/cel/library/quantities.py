"""Quantities: `quantity('100Mi').isGreaterThan(quantity('1k'))`."""

from collections.abc import Callable
from typing import Any, ClassVar

from pynetes.apimachinery import quantity
from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.library.estimates import estimate_nominal, estimate_traversal, nominal, traversal
from pynetes.apimachinery.cel.types import BOOL, DOUBLE, INT, STRING, Type, object_type
from pynetes.apimachinery.cel.values import MAX_INT, MIN_INT, CelError

QUANTITY_TYPE = object_type("kubernetes.Quantity")


class QuantityValue:
    __slots__ = ("quantity",)
    cel_type: ClassVar[Type] = QUANTITY_TYPE

    def __init__(self, number: quantity.Quantity) -> None:
        self.quantity = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QuantityValue) and other.quantity == self.quantity

    def __hash__(self) -> int:
        return hash(self.quantity)


def _parse(text: str) -> QuantityValue:
    try:
        return QuantityValue(quantity.parse(text))
    except ValueError as error:
        raise CelError(str(error)) from None


def _integer(value: QuantityValue) -> int | None:
    number = value.quantity.value()
    exact = quantity.Quantity(number) == value.quantity
    return number if exact and MIN_INT <= number <= MAX_INT else None


def _as_integer(value: QuantityValue) -> int:
    number = _integer(value)
    if number is None:
        raise CelError("cannot convert value to integer")
    return number


def _compare(left: QuantityValue, right: QuantityValue) -> int:
    return int(left.quantity > right.quantity) - int(left.quantity < right.quantity)


def _sign(value: QuantityValue) -> int:
    return _compare(value, QuantityValue(quantity.Quantity(0)))


def _operand(other: Any) -> quantity.Quantity:
    return other.quantity if isinstance(other, QuantityValue) else quantity.Quantity(other, 0, "DecimalExponent")


def _add(left: QuantityValue, right: Any) -> QuantityValue:
    return QuantityValue(left.quantity + _operand(right))


def _sub(left: QuantityValue, right: Any) -> QuantityValue:
    return QuantityValue(left.quantity - _operand(right))


def _function(
    name: str, result: Type, run: Callable[..., Any], *kinds: tuple[str, tuple[Type, ...]], member: bool = True
) -> Function:
    made = [Overload(overload, (QUANTITY_TYPE, *args), result, run, member=member) for overload, args in kinds]
    return Function(name, made, nominal, estimate_nominal)


def declared() -> list[Function]:
    q, other = QUANTITY_TYPE, ((QUANTITY_TYPE,), (INT,))
    cost, estimate = traversal(), estimate_traversal()
    return [
        Function("quantity", [Overload("string_to_quantity", (STRING,), q, _parse)], cost, estimate),
        Function("isQuantity", [Overload("is_quantity_string", (STRING,), BOOL, quantity.is_quantity)], cost, estimate),
        _function("sign", INT, _sign, ("quantity_sign", ()), member=False),
        _function("isGreaterThan", BOOL, lambda a, b: _compare(a, b) > 0, ("quantity_is_greater_than", other[0])),
        _function("isLessThan", BOOL, lambda a, b: _compare(a, b) < 0, ("quantity_is_less_than", other[0])),
        _function("compareTo", INT, _compare, ("quantity_compare_to", other[0])),
        _function("asApproximateFloat", DOUBLE, lambda value: float(value.quantity), ("quantity_get_float", ())),
        _function("asInteger", INT, _as_integer, ("quantity_get_int", ())),
        _function("isInteger", BOOL, lambda value: _integer(value) is not None, ("quantity_is_integer", ())),
        _function("add", q, _add, ("quantity_add", other[0]), ("quantity_add_int", other[1])),
        _function("sub", q, _sub, ("quantity_sub", other[0]), ("quantity_sub_int", other[1])),
    ]
