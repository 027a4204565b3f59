"""Where events go."""

from collections.abc import Sequence
from typing import Any, Protocol

Object = dict[str, Any]


class Backend(Protocol):
    async def write(self, events: Sequence[Object]) -> None:
        """Returns when they are safe as far as this backend can tell. Raises OSError if it cannot take them."""
        ...

    async def close(self) -> None: ...
