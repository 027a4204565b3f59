"""Values as JSON, also those that orjson leaves: nested beyond 254 levels, integers beyond 64 bits."""

from typing import Any

import msgspec
import orjson

from pynetes.apimachinery.depth import check_written


def encode(value: Any, option: int = 0) -> bytes:
    """Compact JSON, unless the options are orjson's OPT_INDENT_2, OPT_SORT_KEYS or OPT_APPEND_NEWLINE. TooDeepError."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        check_written(value)
    found = msgspec.json.encode(value, order="sorted" if option & orjson.OPT_SORT_KEYS else None)
    if option & orjson.OPT_INDENT_2:
        found = msgspec.json.format(found, indent=2)
    return found + b"\n" if option & orjson.OPT_APPEND_NEWLINE else found
