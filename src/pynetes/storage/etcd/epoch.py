"""How far the store's revisions are ahead of etcd's own.

Clients must never see a revision twice, so a restored store begins beyond all that they may have seen. The SQL engines
begin where they are told; etcd's revision grows by one a transaction, whatever the transaction holds, and a new etcd
begins at 1: a thousand million transactions would take days, where one key does. It is written once, by the restore,
and every store on this etcd adds its number to all of etcd's revisions. Without the key the number is 0.

While the key says that a restore is under way, no store opens: what is there is not whole.
"""

from collections.abc import Sequence

import msgspec

from pynetes.storage.etcd import rpc_pb2 as pb
from pynetes.storage.etcd.endpoints import Endpoints
from pynetes.storage.interface import StoreUnavailable

KEY = b"pynetes.epoch"
"""No path, as all of the store's keys are."""


class Epoch(msgspec.Struct, frozen=True):
    offset: int = 0
    restoring: bool = False


async def read(endpoints: Endpoints) -> tuple[Epoch, int]:
    """The epoch, and etcd's own revision."""
    answer = await endpoints.call("/etcdserverpb.KV/Range", pb.RangeRequest(key=KEY), pb.RangeResponse, repeatable=True)
    return parse(answer.kvs), answer.header.revision


def parse(kvs: Sequence[pb.KeyValue]) -> Epoch:
    if not kvs:
        return Epoch()
    try:
        return msgspec.json.decode(kvs[0].value, type=Epoch)
    except msgspec.DecodeError as error:
        raise StoreUnavailable(f"etcd's key {KEY.decode()} is damaged: {error}") from None


def encode(epoch: Epoch) -> bytes:
    return msgspec.json.encode(epoch)
