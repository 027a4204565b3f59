"""IntOrString: a number, or a percentage of one."""

from typing import Any


def scaled(value: Any, whole: int, *, up: bool) -> int:
    """A number or a percentage of `whole`, rounded up or down."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    text = str(value)
    if not text.endswith("%"):
        raise ValueError(f'invalid value for IntOrString: invalid type: string is not a percentage: "{text}"')
    share = int(text[:-1]) * whole
    return -(-share // 100) if up else share // 100
