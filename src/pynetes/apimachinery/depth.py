"""How deep a value may nest: deeper than any real object, shallow enough for every recursion of ours.

Go's decoder would take ten thousand levels. A thousand hold a schema of five hundred nested properties.
"""

import sys
from typing import Any

MAX_DEPTH = 1000
#: What the server may add around and within a body: lists, reviews and events around it, managed fields and defaults
#: within. JSON is read to 1,024 levels.
_MARGIN = 20
#: The interpreter's own limit must leave a walk several calls for each level.
_CALLS = 9

sys.setrecursionlimit(max(sys.getrecursionlimit(), MAX_DEPTH * _CALLS))


class TooDeepError(ValueError):
    def __init__(self) -> None:
        super().__init__("exceeded max depth")


def too_deep(value: Any, limit: int = MAX_DEPTH) -> bool:
    level = [value]
    for _ in range(limit):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [inner for inner in item.values() if inner and isinstance(inner, (dict, list))]
            elif isinstance(item, list):
                below += [inner for inner in item if inner and isinstance(inner, (dict, list))]
        if not below:
            return False
        level = below
    return True


def check_written(value: Any) -> None:
    """TooDeepError for what could not be read again."""
    if too_deep(value, MAX_DEPTH + _MARGIN):
        raise TooDeepError
