"""etcd 3.4 and newer as the store, over gRPC: the engine for more than one control-plane machine.

    endpoints   the members: channels, TLS, change-over from one to the next, errors in the store's terms
    tending     back to the preferred member; members that come and go
    feed        the one stream of all changes that feeds the watch hub, and reading history for watches that need it
    writes      one write, sent again where its fate is unknown
    leases      time to live, one lease for all keys of a minute
    epoch       how far the store's revisions are ahead of etcd's
    store       the verbs as transactions
    membership  members added, promoted, removed, surveyed: for those who run an etcd, not for its users

Messages are in `rpc.proto` and `cluster.proto` (after a change: `scripts/generate_protos.py`). The shared suite runs on
it.
"""

from pynetes.storage.etcd.endpoints import TLSFiles
from pynetes.storage.etcd.store import EtcdStore

__all__ = ["EtcdStore", "TLSFiles"]
