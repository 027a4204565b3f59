"""Columns of tables out of `additionalPrinterColumns`."""

from collections.abc import Callable, Iterable
from typing import Any

from pynetes.apimachinery import jsonpath
from pynetes.apimachinery.times import parse_time
from pynetes.apis.resource import AGE, NAME, Column, Object, age_since

_AGE = Column("Age", AGE.cells, "date", description=AGE.source)


def columns_of(printed: Iterable[Object] | None) -> tuple[Column, ...]:
    """The name, and what the definition asks for; the age if it asks for nothing. Stops at a path that is none."""
    out = [NAME]
    if not printed:
        return (NAME, _AGE)
    for column in printed:
        try:
            path = jsonpath.parse(column["jsonPath"])
        except jsonpath.PathError:
            return tuple(out)
        out.append(
            Column(
                column["name"],
                _cell(path, column["type"]),
                column["type"],
                column.get("format") or "",
                column.get("description")
                or f"Custom resource definition column (in JSONPath format): {column['jsonPath']}",
                column.get("priority") or 0,
            )
        )
    return tuple(out)


def _cell(path: jsonpath.Path, kind: str) -> Callable[[Object], Any]:
    show = _SHOWN.get(kind, _nothing)

    def cell(obj: Object) -> Any:
        found = path.find(obj)
        return show(found[0]) if found else None

    return cell


def _nothing(value: Any) -> Any:
    return None


def _integer(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        parse_time(value)
    except ValueError:
        return "<invalid>"
    return age_since(value)


_SHOWN: dict[str, Callable[[Any], Any]] = {
    "string": jsonpath.show,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
