"""The state of the cluster: a revisioned key-value store with etcd's contract, and its engines.

`interface` is the contract. An engine of our own making stacks three layers: the *backend* (verbs, group commit queue,
watch hub) over a *log* (append, after, compact) over a *dialect* (one database's SQL and errors). `open_store` opens
one by URL.

To add an engine: a SQL database is a new dialect module; one with its own revisions (etcd) implements `Store` itself.
Add a line to `_OPENERS` in `opening.py` and one to `ENGINES` in `tests/storage/conftest.py`: the shared suite is the
measure. Only the API server may import this package; it imports `component` alone.
"""

from pynetes.storage.interface import (
    Batch,
    Compacted,
    Event,
    FutureRevision,
    KeyExists,
    KeyValue,
    ListResult,
    RevisionConflict,
    Store,
    StoreError,
    StoreUnavailable,
    Watch,
)
from pynetes.storage.opening import open_store

__all__ = [
    "Batch",
    "Compacted",
    "Event",
    "FutureRevision",
    "KeyExists",
    "KeyValue",
    "ListResult",
    "RevisionConflict",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "Watch",
    "open_store",
]
