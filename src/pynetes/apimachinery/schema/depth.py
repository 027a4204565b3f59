"""How deep a value may nest: deeper than any real object, shallow enough for every recursion of ours."""

from typing import Any

MAX_DEPTH = 200


def too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
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
