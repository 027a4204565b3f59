"""What only etcd knows: its members, how they are, and how far its history was compacted."""

import asyncio
from collections.abc import Sequence

import grpc
import grpc.aio

from pynetes.storage.etcd import epoch
from pynetes.storage.etcd import rpc_pb2 as pb
from pynetes.storage.etcd.endpoints import METADATA, Endpoints, TLSFiles, store_error
from pynetes.storage.etcd.membership import Membership
from pynetes.storage.interface import Compacted, StoreError, StoreUnavailable
from pynetes.storage.status.report import Compaction, StoreStatus

_WATCH = "/etcdserverpb.Watch/Watch"
_NO_KEY = b"\0"
_TIMEOUT = 5.0


async def look(addresses: Sequence[str], tls: TLSFiles | None, status: StoreStatus) -> Compaction:
    """Fills in what is not told by a view; members answer for themselves when there is no quorum, too."""
    try:
        async with Membership(addresses, tls) as cluster:
            status.members = await cluster.survey()
    except StoreUnavailable as error:
        status.error = status.error or str(error)
        return Compaction()
    status.size = max((health.db_size for health in status.members), default=0)
    if status.error:
        return Compaction()
    endpoints = Endpoints(addresses, tls)
    try:
        found, _ = await epoch.read(endpoints)
        compacted = await _compacted(endpoints)
        return Compaction(compacted + found.offset if compacted else 0)
    except StoreError as error:
        status.error = str(error)
        return Compaction()
    finally:
        await endpoints.close()


async def _compacted(endpoints: Endpoints) -> int:
    """etcd's own revision; 0: nothing is compacted."""
    request = pb.RangeRequest(key=_NO_KEY, revision=1, count_only=True)
    try:
        await endpoints.call("/etcdserverpb.KV/Range", request, pb.RangeResponse, repeatable=True)
    except Compacted:
        return await _refused_from(endpoints)
    return 0


async def _refused_from(endpoints: Endpoints) -> int:
    """A watch from the beginning is refused with the revision that was compacted, which nothing else tells."""
    member = endpoints.member
    call = member.stream(_WATCH, pb.WatchResponse)(metadata=METADATA)
    try:
        async with asyncio.timeout(_TIMEOUT):
            await call.write(pb.WatchRequest(create_request=pb.WatchCreateRequest(key=_NO_KEY, start_revision=1)))
            while True:
                answer: pb.WatchResponse = await call.read()
                if answer.canceled:
                    return answer.compact_revision
    except TimeoutError:
        raise StoreUnavailable(f"etcd {member.address} does not answer") from None
    except grpc.aio.AioRpcError as error:
        raise store_error(error, member.address) from None
    finally:
        call.cancel()
