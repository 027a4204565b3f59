"""Formats that table cells of several kinds share."""

from collections.abc import Callable, Iterable
from typing import Any

from pynetes.apimachinery import selectors
from pynetes.apis.resource import Column, Object, schema_text

NONE = "<none>"
UNSET = "<unset>"


def at(obj: Object, *path: str) -> Any:
    """The value at a path of keys, or None."""
    value: Any = obj
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def field(*path: str, default: Any = "") -> Callable[[Object], Any]:
    """A cell that shows one field, `default` where it is missing."""

    def cell(obj: Object) -> Any:
        value = at(obj, *path)
        return default if value is None else value

    return cell


def number(*path: str) -> Callable[[Object], int]:
    """A cell with an integer field; 0 where it is missing."""
    return field(*path, default=0)


def count(*path: str) -> Callable[[Object], int]:
    """A cell with the length of a list or map."""
    return lambda obj: len(at(obj, *path) or ())


def labels_text(labels: dict[str, str] | None) -> str:
    return ",".join(f"{k}={labels[k]}" for k in sorted(labels)) if labels else NONE


def selector_text(selector: Object | None) -> str:
    """A LabelSelector object in text form."""
    try:
        return str(selectors.from_label_selector(selector)) or NONE
    except ValueError:
        return "<error>"


def container_names(containers: Iterable[Object] | None) -> str:
    return ",".join(c.get("name") or "" for c in containers or ())


def container_images(containers: Iterable[Object] | None) -> str:
    return ",".join(c.get("image") or "" for c in containers or ())


def shortened(items: list[str], shown: int = 3) -> str:
    """`a,b,c + 2 more...`"""
    text = ",".join(items[:shown])
    if len(items) > shown:
        return f"{text} + {len(items) - shown} more..."
    return text


def load_balancer_addresses(status: Object | None) -> list[str]:
    ingress = (status or {}).get("ingress") or ()
    return sorted({address for entry in ingress if (address := entry.get("ip") or entry.get("hostname"))})


def template_columns(*path: str, selector: tuple[str, str] | None = None) -> tuple[Column, ...]:
    """Wide columns of kinds that make pods: containers, images and, given (its path, its description), the selector."""
    containers = (*path, "spec", "containers")
    columns = [
        Column(
            "Containers",
            lambda o: container_names(at(o, *containers)),
            description="Names of each container in the template.",
            priority=1,
        ),
        Column(
            "Images",
            lambda o: container_images(at(o, *containers)),
            description="Images referenced by each container in the template.",
            priority=1,
        ),
    ]
    if selector:
        where, reference = selector
        keys = tuple(where.split("."))
        columns.append(
            Column("Selector", lambda o: selector_text(at(o, *keys)), description=schema_text(reference), priority=1)
        )
    return tuple(columns)
