"""Whether a value is of a type, with the original's words where it is not."""

from typing import Any

from pynetes.apimachinery.managedfields.elements import show
from pynetes.apimachinery.managedfields.items import ItemError, TypedError, element_of
from pynetes.apimachinery.managedfields.types import ListType, MapType, Type

_Problems = list[tuple[str, str]]


def check(value: dict[str, Any], kind: Type, *, duplicates: bool = False) -> None:
    """TypedError with all that is wrong; `duplicates` lets items of lists have the same identity."""
    problems: _Problems = []
    _check(value, kind, "", problems, duplicates)
    if problems:
        raise TypedError(problems)


def _check(value: Any, kind: Type, path: str, problems: _Problems, duplicates: bool) -> None:
    if value is None:
        return
    facet = kind.facet(value)
    if facet == "scalar":
        wrong = _scalar_problem(kind.scalar, value)
        if wrong:
            problems.append((path, wrong))
    elif facet == "map":
        assert kind.map is not None
        if isinstance(value, dict):
            _check_map(value, kind.map, path, problems, duplicates)
        else:
            problems.append((path, f"expected map, got {_wrapped(value)}"))
    else:
        assert kind.list is not None
        if isinstance(value, list):
            _check_list(value, kind.list, path, problems, duplicates)
        else:
            problems.append((path, f"expected list, got {_wrapped(value)}"))


def _check_map(value: dict[str, Any], kind: MapType, path: str, problems: _Problems, duplicates: bool) -> None:
    for name, item in value.items():
        inner = kind.type_of(name)
        if inner is None:
            problems.append((f"{path}.{name}", "field not declared in schema"))
            return
        if inner.only != "scalar" or _scalar_problem(inner.scalar, item):
            _check(item, inner, f"{path}.{name}", problems, duplicates)


def _check_list(value: list[Any], kind: ListType, path: str, problems: _Problems, duplicates: bool) -> None:
    seen: set[str] = set()
    for index, item in enumerate(value):
        element = f"i:{index}"
        if not kind.atomic:
            try:
                element = element_of(kind, item)
            except ItemError as error:
                problems.append((path, f"element {index}: {error}"))
                return
            if element in seen and not duplicates:
                problems.append((path, f"duplicate entries for key {show(element)}"))
            seen.add(element)
        _check(item, kind.item, path + show(element), problems, duplicates)


def _scalar_problem(kind: str, value: Any) -> str:
    """Empty if there is none."""
    if value is None:
        return ""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "numeric":
        return "" if number else f"expected numeric (int or float), got {_go_type(value)}"
    if kind == "string":
        if isinstance(value, str):
            return ""
        return f"expected string, got &value.valueUnstructured{{Value:{go_syntax(value)}}}"
    if kind == "boolean":
        return "" if isinstance(value, bool) else f"expected boolean, got {_wrapped(value)}"
    return f"expected any scalar, got {_wrapped(value)}" if isinstance(value, (dict, list)) else ""


def _go_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    return "map[string]interface {}" if isinstance(value, dict) else "[]interface {}"


def _wrapped(value: Any) -> str:
    """How Go prints the wrapper that the original keeps values in."""
    return f"&{{{go_plain(value)}}}"


def go_plain(value: Any) -> str:
    """Go's `%v`."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{go_plain(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_plain, value)) + "]"
    return _number(value, 21) if isinstance(value, float) else str(value)


def go_syntax(value: Any) -> str:
    """Go's `%#v` of a decoded value."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, dict):
        inner = ", ".join(f"{go_syntax(name)}:{go_syntax(value[name])}" for name in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(go_syntax, value)) + "}"
    return _number(value, 6) if isinstance(value, float) else str(value)


def _number(value: float, digits: int) -> str:
    """A float: plain up to a number of digits, with an exponent beyond. Both with no more digits than it takes."""
    text = repr(value)
    significant = text.partition("e")[0].replace(".", "").lstrip("-0").rstrip("0") or "0"
    exponent = int(f"{value:e}".partition("e")[2])
    if -4 <= exponent < digits:
        return f"{value:.0f}" if value.is_integer() else f"{value:.{max(len(significant) - 1 - exponent, 0)}f}"
    mantissa = f"{value:.{len(significant) - 1}e}".partition("e")[0]
    return f"{mantissa}e{exponent:+03d}"
