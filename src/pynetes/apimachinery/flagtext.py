"""Flags in Go's words, as `/flagz` shows them."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery.times import format_duration


def flag_text(value: Any) -> str:
    """A setting as pflag writes it: durations (floats) as `1m0s`, lists as `[a,b]`, a range as `1-2`, maps as `a=b`."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return format_duration(value)
        case (int(first), int(last)):
            return f"{first}-{last}"
        case tuple():
            return f"[{','.join(map(str, value))}]"
        case Mapping():
            return ",".join(f"{key}={flag_text(item)}" for key, item in value.items())
    return str(value)
