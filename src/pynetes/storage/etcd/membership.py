"""An etcd cluster's members: who they are, how they are, and how one comes and goes.

Errors are StoreUnavailable with etcd's own words; the few that callers act on are named here.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message
from msgspec import Struct

from pynetes.storage.etcd import cluster_pb2 as pb
from pynetes.storage.etcd.endpoints import Endpoints, TLSFiles
from pynetes.storage.interface import StoreUnavailable

R = TypeVar("R", bound=Message)

#: A learner that has not caught up, or the cluster has one already: try again.
NOT_YET = ("can only promote a learner member which is in sync", "too many learner members")
#: The removal or addition would cost the quorum: other members have to come back first.
NO_QUORUM = ("not enough started members", "unhealthy cluster")

_STATUS_TIMEOUT = 2.0
#: Rewriting a database of the largest size takes about this long.
_DEFRAGMENT_TIMEOUT = 300.0


class EtcdMember(Struct, frozen=True):
    """One member as the cluster knows it. A member that was added and never started has no name, no client URLs."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool = False

    @property
    def addresses(self) -> list[str]:
        """host:port where it serves clients."""
        return [url.partition("://")[2] for url in self.client_urls]


class MemberHealth(Struct, frozen=True):
    """A member and what it says of itself; `problem` is empty if it answers and is in order.

    `raft_index` is the newest entry it has, `lag` by how many it is behind the newest that any member has. Sizes are
    bytes: of the database file, and of what is used in it.
    """

    member: EtcdMember
    problem: str = ""
    version: str = ""
    leader: bool = False
    raft_index: int = 0
    lag: int = 0
    db_size: int = 0
    db_in_use: int = 0
    alarms: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return not self.problem


class Membership:
    """The verbs on members, through any of `addresses` (host:port). `async with Membership(...)` closes it."""

    def __init__(self, addresses: Sequence[str], tls: TLSFiles | None = None) -> None:
        self._endpoints = Endpoints(addresses, tls)
        self._tls = tls

    async def __aenter__(self) -> "Membership":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def members(self) -> list[EtcdMember]:
        return _members((await self._members("MemberList", pb.MemberListRequest())).members)

    async def add_learner(self, peer_url: str) -> list[EtcdMember]:
        """Adds a member that does not vote yet; all members, the new one without a name."""
        request = pb.MemberAddRequest(peerURLs=[peer_url], isLearner=True)
        answer = await self._endpoints.call(
            "/etcdserverpb.Cluster/MemberAdd", request, pb.MemberAddResponse, repeatable=False
        )
        return _members(answer.members)

    async def promote(self, member: int) -> None:
        """Makes a learner a voter; see NOT_YET."""
        await self._members("MemberPromote", pb.MemberPromoteRequest(ID=member), repeatable=False)

    async def remove(self, member: int) -> None:
        """See NO_QUORUM."""
        await self._members("MemberRemove", pb.MemberRemoveRequest(ID=member), repeatable=False)

    async def alarms(self) -> list[tuple[int, str]]:
        """Member's id and alarm (NOSPACE, CORRUPT)."""
        answer = await self._alarm(pb.AlarmRequest(action=pb.AlarmRequest.GET))
        return [(each.memberID, pb.AlarmType.Name(each.alarm)) for each in answer.alarms]

    async def disarm(self, member: int, alarm: str) -> None:
        await self._alarm(pb.AlarmRequest(action=pb.AlarmRequest.DEACTIVATE, memberID=member, alarm=alarm))

    async def survey(self) -> list[MemberHealth]:
        """Every member, asked for itself, in order of names. StoreUnavailable if none tells who they are."""
        members = await self.members()
        try:
            alarms = await self.alarms()
        except StoreUnavailable:  # without a quorum there is no answer, and each member says what is wrong
            alarms = []
        answers = await asyncio.gather(*(self._answer(member) for member in members))
        newest = max((each.raftIndex for each in answers if isinstance(each, pb.StatusResponse)), default=0)
        found = [_health(member, answer, newest, alarms) for member, answer in zip(members, answers, strict=True)]
        return sorted(found, key=lambda each: (each.member.name, each.member.id))

    async def _answer(self, member: EtcdMember) -> pb.StatusResponse | str:
        if not member.addresses:
            return "it has not started yet"
        try:
            return await _status(member.addresses[0], self._tls)
        except StoreUnavailable as error:
            return str(error)

    async def _alarm(self, request: pb.AlarmRequest) -> pb.AlarmResponse:
        return await self._endpoints.call("/etcdserverpb.Maintenance/Alarm", request, pb.AlarmResponse, repeatable=True)

    async def _members(
        self,
        verb: str,
        request: pb.MemberListRequest | pb.MemberRemoveRequest | pb.MemberPromoteRequest,
        *,
        repeatable: bool = True,
    ) -> pb.MembersResponse:
        return await self._endpoints.call(
            f"/etcdserverpb.Cluster/{verb}", request, pb.MembersResponse, repeatable=repeatable
        )

    async def close(self) -> None:
        await self._endpoints.close()


async def member_id(address: str, tls: TLSFiles | None = None) -> int:
    """Who runs at `address`, a learner too. A list of members does not tell: one that has lost its data is still in it
    while its successor at the same address starts.
    """
    return (await _status(address, tls)).header.member_id


async def defragment(address: str, tls: TLSFiles | None = None) -> None:
    """Gives back to the disk what the member at `address` does not use; it answers nobody meanwhile."""
    await _ask(address, tls, "Defragment", pb.DefragmentRequest(), pb.DefragmentResponse, _DEFRAGMENT_TIMEOUT)


async def _status(address: str, tls: TLSFiles | None) -> pb.StatusResponse:
    return await _ask(address, tls, "Status", pb.StatusRequest(), pb.StatusResponse, _STATUS_TIMEOUT, repeatable=True)


async def _ask(
    address: str,
    tls: TLSFiles | None,
    verb: str,
    request: Message,
    answer: type[R],
    timeout: float,
    *,
    repeatable: bool = False,
) -> R:
    """A verb of maintenance, which is the one member's at `address`."""
    one = Endpoints([address], tls)
    try:
        return await one.call(
            f"/etcdserverpb.Maintenance/{verb}", request, answer, repeatable=repeatable, timeout=timeout
        )
    finally:
        await one.close()


def _members(found: Sequence[pb.ClusterMember]) -> list[EtcdMember]:
    return [EtcdMember(m.ID, m.name, tuple(m.peerURLs), tuple(m.clientURLs), m.isLearner) for m in found]


def _health(
    member: EtcdMember, answer: pb.StatusResponse | str, newest: int, alarms: Sequence[tuple[int, str]]
) -> MemberHealth:
    own = tuple(alarm for holder, alarm in alarms if holder == member.id)
    if isinstance(answer, str):
        return MemberHealth(member, answer, alarms=own)
    problem = "; ".join(each for each in answer.errors if "alarm:" not in each)
    problem = problem or ("" if answer.leader else "it knows no leader")
    return MemberHealth(
        member,
        problem,
        answer.version,
        leader=answer.leader == member.id,
        raft_index=answer.raftIndex,
        lag=newest - answer.raftIndex,
        db_size=answer.dbSize,
        db_in_use=answer.dbSizeInUse,
        alarms=own,
    )
