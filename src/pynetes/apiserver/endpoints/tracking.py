"""Who wrote which fields: what the endpoints ask a scope's FieldManager about a write."""

from typing import Any

from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.context import WriteContext

Object = dict[str, Any]


def track(scope: Scope, ctx: WriteContext, live: Object | None, new: Object, claimed: Any = None) -> None:
    """Puts the entries into `new`, which has none. Both are in the version of the path; `claimed` are the client's."""
    # What the stored version adds by default counts as written.
    seen = scope.served(scope.stored(new)) if scope.converted else new
    entries = scope.fields.update(live, seen, ctx.field_manager, fields.now(), claimed=claimed)
    fields.put_entries(new, entries)
