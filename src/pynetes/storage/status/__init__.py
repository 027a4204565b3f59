"""How a store is, seen from outside: beside its API servers, or without any.

    report     what is found out, and what of it is a problem
    surveying  asks: a view's revision and keys (see `snapshot`), then what only the engine knows
    `sqlite`, `database`, `etcd`: what that is, one file each

An engine that cannot be asked is an answer, too: `survey` raises nothing but for a URL that is none.
"""

from pynetes.storage.status.report import Compaction, Replication, StoreStatus
from pynetes.storage.status.surveying import survey

__all__ = ["Compaction", "Replication", "StoreStatus", "survey"]
