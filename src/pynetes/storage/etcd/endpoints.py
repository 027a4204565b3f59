"""The members of an etcd cluster: one gRPC channel each, one of them in use, the next one when it fails.

A call that surely had no effect (a read, or a write that never left) is tried on the other members until its time is
over. A write whose fate is unknown is not: it ends as FateUnknown, and the members change for those to come.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from msgspec import Struct

from pynetes.component import clock
from pynetes.storage.interface import Compacted, FutureRevision, StoreError, StoreUnavailable

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Message)

TIMEOUT = 5.0
_ATTEMPT = 2.0
_ROUND_DELAY = 0.1
# A member without a leader refuses at once instead of holding a call: upstream's clientv3.WithRequireLeader.
METADATA = (("hasleader", "true"),)
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # etcd takes pings every 5 s as abuse; a member that vanished from the network is noticed after 6 + 3 s.
    ("grpc.keepalive_time_ms", 6000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # A member that was killed and came back is a new connection, not one of gRPC's pool.
    ("grpc.use_local_subchannel_pool", 1),
]
_COMPACTED = "etcdserver: mvcc: required revision has been compacted"
_FUTURE = "etcdserver: mvcc: required revision is a future revision"
_TOO_LARGE = "etcdserver: request is too large"
# The call had no effect: gRPC had no connection to send it on, or the member refused it for want of a leader.
_NEVER_RUN = (
    "failed to connect to all addresses",
    "empty address list",
    "etcdserver: no leader",
    "etcdserver: rpc not supported for learner",
    "DNS resolution",
)
_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
)


class FateUnknown(StoreUnavailable):
    """The write may have happened, or happen yet."""


class TLSFiles(Struct, frozen=True):
    """PEM files; a client certificate needs both `cert` and `key`. Read at every new channel, so they may rotate."""

    ca: str = ""
    cert: str = ""
    key: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        ca, key, cert = (self._read(name) for name in (self.ca, self.key, self.cert))
        return grpc.ssl_channel_credentials(ca, key, cert)

    def _read(self, name: str) -> bytes | None:
        try:
            return Path(name).read_bytes() if name else None
        except OSError as e:
            raise StoreUnavailable(f"cannot read {name}: {e.strerror}") from e


class Member:
    """One member's channel, made when first used."""

    def __init__(self, address: str, tls: TLSFiles | None) -> None:
        self.address = address
        self._tls = tls
        self._channel: grpc.aio.Channel | None = None
        self._calls: dict[str, Any] = {}

    def channel(self) -> grpc.aio.Channel:
        if self._channel is None:
            if self._tls is None:
                self._channel = grpc.aio.insecure_channel(self.address, options=_OPTIONS)
            else:
                self._channel = grpc.aio.secure_channel(self.address, self._tls.credentials(), options=_OPTIONS)
        return self._channel

    def unary(self, method: str, response: type[R]) -> Any:
        call = self._calls.get(method)
        if call is None:
            call = self.channel().unary_unary(
                method, request_serializer=_serialize, response_deserializer=response.FromString
            )
            self._calls[method] = call
        return call

    def stream(self, method: str, response: type[R]) -> Any:
        return self.channel().stream_stream(
            method, request_serializer=_serialize, response_deserializer=response.FromString
        )

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        self._calls.clear()
        if channel is not None:
            await channel.close(None)


class Endpoints:
    """`addresses`: host:port each, the preferred one first. `on_change` is called after a change of members."""

    def __init__(self, addresses: Sequence[str], tls: TLSFiles | None) -> None:
        self._tls = tls
        self._members = [Member(address, tls) for address in addresses]
        self._current = 0
        self._taken = 0.0  # when the member in use was taken
        self.on_change: Callable[[], None] = lambda: None
        if tls is not None:
            tls.credentials()  # a missing file is told now, not by the first call

    @property
    def member(self) -> Member:
        """The one in use."""
        return self._members[self._current]

    @property
    def preferred(self) -> Member:
        """The first."""
        return self._members[0]

    @property
    def several(self) -> bool:
        return len(self._members) > 1

    def take(self, member: Member) -> None:
        """Goes (back) to a member that serves."""
        if member in self._members and member is not self.member:
            self._current = self._members.index(member)
            self._taken = clock.monotonic()
            self.on_change()

    async def update(self, addresses: Sequence[str]) -> None:
        """The members are these now; the preferred one stays, wherever it is."""
        first = self._members[0].address
        wanted = list(dict.fromkeys([first, *addresses]))
        known = {member.address: member for member in self._members}
        if not addresses or wanted == list(known):
            return
        used = self.member
        self._members = [known.get(address) or Member(address, self._tls) for address in wanted]
        self._current = self._members.index(used) if used in self._members else 0
        log.info("the members of etcd are %s", ", ".join(wanted))
        if used is not self.member:
            self.on_change()
        for address in known.keys() - set(wanted):
            await known[address].close()

    def leave(self, member: Member, began: float) -> None:
        """Goes to the next member, unless another call did so already.

        What began before it was taken (again) and failed says nothing about it: its trouble was another one.
        """
        if member is self.member and began >= self._taken and len(self._members) > 1:
            self._current = (self._current + 1) % len(self._members)
            self._taken = clock.monotonic()
            log.info("etcd %s failed, changing over to %s", member.address, self.member.address)
            self.on_change()

    async def call(
        self, method: str, request: Message, response: type[R], *, repeatable: bool, timeout: float = 0
    ) -> R:
        """One unary call. Compacted and FutureRevision carry the revision 0; the caller knows which it asked for."""
        timeout = timeout or TIMEOUT
        deadline = clock.monotonic() + timeout
        tries = 0
        while True:
            member, began = self.member, clock.monotonic()
            left = deadline - began
            attempt = min(left, max(_ATTEMPT, timeout / len(self._members))) if repeatable else left
            try:
                answer: R = await member.unary(method, response)(request, timeout=max(attempt, 0.01), metadata=METADATA)
                return answer
            except grpc.aio.AioRpcError as e:
                error = store_error(e, member.address)
                if not isinstance(error, StoreUnavailable) or e.code() not in _PASSING:
                    raise error from None
                self.leave(member, began)
                tries += 1
                if not (repeatable or _never_run(e)):
                    raise FateUnknown(str(error)) from None
                if clock.monotonic() >= deadline - _ROUND_DELAY:
                    raise error from None
            except (grpc.aio.UsageError, grpc.aio.InternalError) as e:
                raise StoreUnavailable(f"etcd {member.address}: {e}") from None
            if tries % len(self._members) == 0:
                await clock.sleep(_ROUND_DELAY)

    async def close(self) -> None:
        for member in self._members:
            await member.close()


def store_error(error: grpc.aio.AioRpcError, address: str) -> StoreError:
    """What a gRPC error means for the store."""
    details = error.details() or ""
    if details == _COMPACTED:
        return Compacted(0, 0)
    if details == _FUTURE:
        return FutureRevision(0, 0)
    if details == _TOO_LARGE:  # clients of the API know it by these words alone
        return StoreUnavailable(details)
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        details = "no answer in time; a write may have happened"
    return StoreUnavailable(f"etcd {address}: {details or error.code().name}")


def _never_run(error: grpc.aio.AioRpcError) -> bool:
    return (error.details() or "").startswith(_NEVER_RUN)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
