"""What a kind may add to the generic writes: resources that are taken with an object and given back with it."""

from collections.abc import Awaitable, Callable
from typing import Any

Object = dict[str, Any]
#: Called once with whether the write happened; None if nobody knows (cancelled, or the store went away meanwhile): then
#: nothing may be given back, neither what was taken nor what was held before.
Finish = Callable[[bool | None], Awaitable[None]]


async def nothing(succeeded: bool | None) -> None:
    """The finish of a write that took nothing."""


class Hooks:
    """Base: adds nothing. `begin_*` run before preparation and validation, may change `obj` or raise a StatusError."""

    async def begin_create(self, obj: Object, dry_run: bool) -> Finish:
        return nothing

    async def begin_update(self, obj: Object, old: Object, dry_run: bool) -> Finish:
        return nothing

    async def after_delete(self, obj: Object) -> None:
        """The object is gone from the store."""


NO_HOOKS = Hooks()
