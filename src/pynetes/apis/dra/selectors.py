"""CEL expressions that select devices."""

from functools import cache

from pynetes.apimachinery.cel.cost import DeclaredSizes
from pynetes.apimachinery.cel.environment import Environment
from pynetes.apimachinery.cel.library.quantities import QUANTITY_TYPE
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import (
    ANY,
    BOOL,
    BOOL_DECL,
    STRING_DECL,
    DeclType,
    fields_of,
    map_decl,
    object_decl,
)
from pynetes.apis.dra.names_validation import validate_list
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_MAX_SELECTORS = 32
_MAX_EXPRESSION = 10 * 1024
_MAX_COST = 1_000_000
_MAX_ENTRIES = 32
_MAX_VALUE = 64


def _sized(kind: DeclType, maximum: int) -> DeclType:
    return DeclType(kind.type, kind.min_size, maximum)


@cache
def _device() -> DeclType:
    """What an expression knows as `device`: attributes and capacities by domain and then by identifier."""
    domain, identifier = _sized(STRING_DECL, 63), _sized(STRING_DECL, 32)
    attribute = DeclType(ANY, 1, _MAX_VALUE)

    def by_domain(of: DeclType) -> DeclType:
        return map_decl(domain, map_decl(identifier, of, _MAX_ENTRIES), _MAX_ENTRIES)

    return object_decl(
        "kubernetes.DRADevice",
        fields_of(
            driver=_sized(STRING_DECL, 63),
            allowMultipleAllocations=_sized(BOOL_DECL, 1),
            attributes=by_domain(attribute),
            capacity=by_domain(DeclType(QUANTITY_TYPE, 8)),
        ),
    )


@cache
def _environment() -> Environment:
    return Environment({"device": _device()}, binds=True)


def validate_selectors(found: FieldErrors, selectors: list[Object], path: str) -> None:
    validate_list(found, selectors, _MAX_SELECTORS, _selector, path)


def _selector(found: FieldErrors, selector: Object, path: str) -> None:
    if selector.get("cel") is None:
        found.required(f"{path}.cel")
    else:
        _expression(found, selector["cel"].get("expression") or "", f"{path}.cel.expression")


def _expression(found: FieldErrors, text: str, path: str) -> None:
    if len(text.encode()) > _MAX_EXPRESSION:
        found.too_long(path, _MAX_EXPRESSION)
        return
    try:
        compiled = _environment().compile(text)
        if compiled.type not in (BOOL, ANY):
            found.invalid(path, text, f"must evaluate to bool or the unknown type, not {compiled.type}")
            return
        compiled.program()
    except CompileError as error:
        found.invalid(path, text, f"compilation failed: {error}")
        return
    except PlanError as error:
        found.internal(path, f"program instantiation failed: {error}")
        return
    if compiled.estimate(DeclaredSizes(_device())).max > _MAX_COST:
        found.forbidden(path, "too complex, exceeds cost limit")
