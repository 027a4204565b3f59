"""Who wrote which fields: what the endpoints ask a scope's FieldManager about a write."""

import logging
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.managedfields.manager import described
from pynetes.apimachinery.schema import empties
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.context import WriteContext

log = logging.getLogger(__name__)

Object = dict[str, Any]


async def track(scope: Scope, ctx: WriteContext, live: Object | None, new: Object, claimed: Any = None) -> None:
    """Puts the entries into `new`, which has none. Both are in the version of the path; `claimed` are the client's."""
    # What the stored version adds by default counts as written.
    seen = empties.written(scope.served(scope.stored(new)) if scope.converted else new, scope.kind)
    now = fields.now()

    def ask() -> Any:
        return scope.fields.update(live, seen, ctx.field_manager, now, claimed=claimed)

    try:
        entries = await fields.settled(scope.store.ownership, ask, ctx.size)
    except StatusError as error:  # a webhook that does not convert costs the entries, not the write
        log.warning("managed fields of %s are lost: %s", described(new), error)
        entries = None
    fields.put_entries(new, entries)
