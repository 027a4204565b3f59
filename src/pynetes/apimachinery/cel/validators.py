"""What is wrong with a tree although its types are right: literals that do not convert, mixed lists and maps."""

from pynetes.apimachinery.cel import regex
from pynetes.apimachinery.cel.ast import Call, Expr, ListExpr, Literal, MapExpr, children
from pynetes.apimachinery.cel.library.conversions import to_duration, to_timestamp
from pynetes.apimachinery.cel.library.formatting import FormatError, check_format
from pynetes.apimachinery.cel.source import Source
from pynetes.apimachinery.cel.types import Type, is_optional
from pynetes.apimachinery.cel.values import NANOS, CelError, Timestamp


def validate(source: Source, tree: Expr) -> None:
    """Reports to the source, in the order of the original's validators."""
    nodes = _walk(tree)
    calls = [node for node, _ in nodes if isinstance(node, Call)]
    for name, convert in (("duration", _duration), ("timestamp", _timestamp), ("matches", _pattern)):
        for call in calls:
            if call.function == name and call.args and isinstance(call.args[0], Literal):
                try:
                    convert(call.args[0].value)
                except (CelError, regex.RegexError):
                    source.report(call.args[0].position, f"invalid {name} argument")
    for node, exempt in nodes:
        if not exempt and isinstance(node, ListExpr):
            _list(source, node)
    for node, exempt in nodes:
        if not exempt and isinstance(node, MapExpr):
            _map(source, node)
    for call in calls:
        _format(source, call)


def _walk(tree: Expr) -> list[tuple[Expr, bool]]:
    """All nodes, and whether they are inside of a call of `format`, whose arguments may be mixed."""
    found: list[tuple[Expr, bool]] = []
    pending = [(tree, False)]
    while pending:
        node, exempt = pending.pop()
        found.append((node, exempt))
        inside = exempt or (isinstance(node, Call) and node.function == "format")
        pending += [(child, inside) for child in reversed(children(node))]
    return found


def _duration(value: object) -> None:
    if isinstance(value, str):
        to_duration(value)
    elif isinstance(value, int):
        raise CelError("no duration")


def _timestamp(value: object) -> None:
    if isinstance(value, str):
        to_timestamp(value)
    elif isinstance(value, int):
        Timestamp(value * NANOS)


def _pattern(value: object) -> None:
    if isinstance(value, str):
        regex.compile_pattern(value)


def _unwrapped(t: Type) -> Type:
    return t.params[0] if is_optional(t) else t


def _mismatch(source: Source, node: Expr, expected: Type, found: Type) -> None:
    source.report(node.position, f"expected type '{expected}' but found '{found}'")


def _list(source: Source, node: ListExpr) -> None:
    first: Type | None = None
    for i, element in enumerate(node.elements):
        t = _unwrapped(element.type) if i in node.optionals else element.type
        first = first or t
        if t != first:
            _mismatch(source, element, first, t)
            return


def _map(source: Source, node: MapExpr) -> None:
    key: Type | None = None
    value: Type | None = None
    for entry in node.entries:
        t = _unwrapped(entry.value.type) if entry.optional else entry.value.type
        key, value = key or entry.key.type, value or t
        if entry.key.type != key:
            _mismatch(source, entry.key, key, entry.key.type)
        if t != value:
            _mismatch(source, entry.value, value, t)


def _format(source: Source, call: Call) -> None:
    literal = isinstance(call.target, Literal) and isinstance(call.target.value, str)
    if call.function != "format" or not literal or len(call.args) != 1 or not isinstance(call.args[0], ListExpr):
        return
    assert isinstance(call.target, Literal)
    elements = call.args[0].elements
    try:
        wanted = check_format(call.target.value, [element.type for element in elements])
    except FormatError as error:
        place = elements[error.argument].position if error.argument >= 0 else call.position
        source.report(place, str(error))
        return
    if len(elements) > wanted:
        source.report(
            call.position,
            f"too many arguments supplied to string.format (expected {wanted}, got {len(elements)})",
        )
