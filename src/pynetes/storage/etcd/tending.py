"""Keeps a client of etcd on the member it prefers, and knows members as they come and go."""

import logging

from pynetes.component import clock
from pynetes.storage.etcd import cluster_pb2 as cluster
from pynetes.storage.etcd import rpc_pb2 as pb
from pynetes.storage.etcd.endpoints import METADATA, Endpoints, Member
from pynetes.storage.interface import StoreUnavailable

log = logging.getLogger(__name__)

_PERIOD = 5.0
_PROBE_SECONDS = 2.0
_NO_KEY = b"\0"


async def tend(endpoints: Endpoints, *, sync: bool) -> None:
    """Until cancelled: goes back to the first member when it can serve again; `sync`: asks who the members are."""
    while True:
        await clock.sleep(_PERIOD)
        if sync:
            await _sync(endpoints)
        preferred = endpoints.preferred
        if endpoints.member is not preferred and await _serves(preferred):
            log.info("etcd %s serves again", preferred.address)
            endpoints.take(preferred)


async def _sync(endpoints: Endpoints) -> None:
    """Learners are left out: they serve nobody."""
    try:
        found = await endpoints.call(
            "/etcdserverpb.Cluster/MemberList", cluster.MemberListRequest(), cluster.MembersResponse, repeatable=True
        )
    except StoreUnavailable as error:
        log.info("etcd's members are not known for now: %s", error)
        return
    urls = [url for member in found.members if not member.isLearner for url in member.clientURLs]
    await endpoints.update([url.partition("://")[2] for url in urls])


async def _serves(member: Member) -> bool:
    """Whether it answers a read that needs the quorum."""
    request = pb.RangeRequest(key=_NO_KEY, count_only=True)
    try:
        await member.unary("/etcdserverpb.KV/Range", pb.RangeResponse)(
            request, timeout=_PROBE_SECONDS, metadata=METADATA
        )
    except Exception as error:  # gRPC's errors have no common base
        log.debug("etcd %s does not serve yet: %s", member.address, error)
        return False
    return True
