"""How many seats a request takes: a list as many as it is long, all others one."""

from collections.abc import Callable
from math import ceil

from pynetes.apiserver.requestinfo import RequestInfo

_OBJECTS_PER_SEAT = 100
MOST = 10

Count = Callable[[RequestInfo], int]
"""How many objects there are of the resource that a request names."""


def width(info: RequestInfo, query: dict[str, list[str]], count: Count) -> int:
    if info.verb != "list" or info.name:
        return 1
    objects = count(info)
    limit = query.get("limit")
    if limit and limit[0].isdigit() and int(limit[0]) and not info.label_selector and not info.field_selector:
        objects = min(objects, int(limit[0]))
    return min(max(ceil(objects / _OBJECTS_PER_SEAT), 1), MOST)
