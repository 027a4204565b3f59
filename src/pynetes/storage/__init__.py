"""The state of the cluster: a revisioned key-value store with etcd's contract, and its engines.

`interface` is the contract, `open_store` opens an engine by URL, `compactor` keeps history short, `snapshot` takes what
a store holds to a file and from there to any engine, `status` tells how a store is. The engines:

    embedded    one process's own (SQLite, memory), in three layers: the *backend* (verbs, group commit queue, watch
                hub) over a *log* (append, after, compact) over a *dialect* (one database's SQL and errors)
    `database`  a database server (PostgreSQL, MySQL) that several API servers share: the same layers, asynchronous
    `etcd`      has revisions of its own, so it implements `Store` itself

In all of them `mvcc` decides what a write does (but etcd, which decides itself) and `hub` hands events to watches.

To add an engine, write its dialect or package, add its scheme to the tables in `opening.py` and its server to
`tests/storage/engines` and `SERVERS` in `tests/storage/conftest.py`: the shared suite is the measure. Only the API
server may import this package, and the commands that look after a store; it imports `component` alone.
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
