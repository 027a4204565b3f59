"""Snapshots: what a store holds at one revision, in a file that any engine can be restored from.

So a cluster survives the loss of its store, and grows: from SQLite to etcd, PostgreSQL or MySQL, and back.

    view       what is read: a store at one moment; `sqlite`, `database`, `etcd`: one file each, with their targets
    archive    the file: header, compressed records, checksum
    target     what is restored to: all or nothing
    opening    views and targets by URL
    transfer   `take` and `restore`

**Who reads.** A snapshot is taken from the engine, beside the API server and without it: one is needed most when no
API server comes up, and upstream's API has no verb for it (etcdctl reads etcd, too). Reading harms no engine's server:
SQLite in WAL mode, PostgreSQL and InnoDB give a transaction of another connection one moment without a lock, etcd
keeps a revision until it is compacted, minutes later.

**Revisions.** A client that outlives the store may have seen newer revisions than the snapshot's: it must never see
one of them again with another meaning, nor one that goes back. So a restored store goes on far beyond (`BUMP`), all
its keys are written anew there, each object's resourceVersion with it, and what was before is compacted: who watches
or lists at an old revision gets 410 Gone and lists again. It is what etcd's `--bump-revision --mark-compacted` is for,
and more: there, objects go back to the resourceVersion that they had. The SQL engines are given the revision to go on
from; etcd, whose revision no one can set, is given a number to add (`etcd.epoch`).

**All or nothing.** The file is verified before anything is written, and read through a second time. SQLite's is built
beside the old one and renamed, the databases' restore is one transaction, and etcd's bears a mark until it is whole.
Keys with a time to live keep their end; those whose time is over by then are left out.
"""

from pynetes.storage.snapshot.archive import Header, SnapshotError
from pynetes.storage.snapshot.opening import open_view
from pynetes.storage.snapshot.target import StoreNotEmpty
from pynetes.storage.snapshot.transfer import BUMP, Restored, Taken, restore, take
from pynetes.storage.snapshot.view import View, value_of

__all__ = [
    "BUMP",
    "Header",
    "Restored",
    "SnapshotError",
    "StoreNotEmpty",
    "Taken",
    "View",
    "open_view",
    "restore",
    "take",
    "value_of",
]
