"""A database server as the store, shared by any number of API servers: PostgreSQL, MySQL, MariaDB.

Where SQLite's log is one process's own, here others write too, over a network, so all of it is asyncio:

    store      the verbs
    commit     group commit: one transaction at a time, which holds the store's write lock from before it reads the
               newest revision until it is committed. So revisions have no gaps and become visible in their order
    feed       the watch hub's feed: own commits, and what others committed, read from the history
    keeper     expiry, by the one server that holds a lock of the database for it
    log        the history's statements: append, changes, reads, compaction
    pool       connections, replaced when they break
    dialect    what differs between databases; `postgres`, `mysql`: one file each

To add a database, write a dialect and add its scheme to `opening.py`; the shared suite and `test_databases.py` are the
measure.
"""

from pynetes.storage.database.store import DatabaseStore

__all__ = ["DatabaseStore"]
