"""How this machine's etcd member comes into the cluster and goes.

Its first start is the delicate one: whether it makes a new cluster, joins the one that is there, or must do neither.
`first_start` decides and is pure. A member that joins is a learner first: it counts for no quorum until it has caught
up and the keeper makes it a voter.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Sequence
from typing import NoReturn

from msgspec import Struct

from pynetes.cli.etcd import EtcdError, KnownMember, MemberConfig, command, load_members, others
from pynetes.cli.settings import SettingsError
from pynetes.component import clock, logs
from pynetes.component.pki import PKI
from pynetes.storage import StoreUnavailable
from pynetes.storage.etcd.endpoints import TLSFiles
from pynetes.storage.etcd.membership import NO_QUORUM, NOT_YET, EtcdMember, Membership, member_id

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_REMOVE_SECONDS = 30.0


def client_tls(pki: PKI) -> TLSFiles:
    """For whoever looks after the members."""
    pair = pki.apiserver_etcd_client
    return TLSFiles(str(pki.etcd_ca.certificate), str(pair.certificate), str(pair.key))


def membership(config: MemberConfig) -> Membership:
    """The cluster as this machine reaches it: through its own member, else the others that it knows."""
    return Membership([config.client, *others(config)], client_tls(config.pki))


def known(members: Sequence[EtcdMember]) -> list[KnownMember]:
    """As they are written down."""
    return [KnownMember(each.name, each.peer_urls, each.client_urls) for each in members]


class FirstStart(Struct, frozen=True):
    """What to do: remove the member `remove` (0: none), then add this one if `add`, then start."""

    remove: int = 0
    add: bool = False


def first_start(config: MemberConfig, members: Sequence[EtcdMember]) -> FirstStart:
    """`members` is what the others say; this machine has no data."""
    own = next((member for member in members if config.peer_url in member.peer_urls), None)
    if own is None:
        return FirstStart(add=True)
    if own.name:
        return FirstStart(remove=own.id, add=True)  # it ran, and lost its data: its votes must not be cast twice
    return FirstStart()  # an earlier attempt came so far


def initial_cluster(config: MemberConfig, members: Sequence[EtcdMember]) -> str:
    """`name=url,…` of all members, this one under its own name."""
    parts = []
    for member in members:
        name = config.name if config.peer_url in member.peer_urls else member.name
        parts += [f"{name}={url}" for url in member.peer_urls if name]
    return ",".join(parts)


async def prepare(config: MemberConfig) -> list[str]:
    """The command to start; where the cluster is another's, once that lets this member in."""
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.data.chmod(0o700)
    alone = f"{config.name}={config.peer_url}"
    if config.has_data:
        return command(config, alone, "existing")
    shutil.rmtree(config.data / "member", ignore_errors=True)  # of a first start that was interrupted
    if load_members(config.members_file) is None:
        return command(config, alone, "new")
    addresses = others(config)
    if not addresses:
        raise EtcdError(
            f"the data of the cluster's only etcd member are gone from {config.data}: "
            "restore a snapshot, or begin with a new cluster after `pynetes purge`"
        )
    while True:
        try:
            return command(config, initial_cluster(config, await _join(config, addresses)), "existing")
        except StoreUnavailable as error:
            log.warning("etcd's members do not take this one yet: %s", error)
        await clock.sleep(_RETRY_SECONDS)


async def _join(config: MemberConfig, addresses: Sequence[str]) -> list[EtcdMember]:
    """All members, this one among them."""
    async with Membership(addresses, client_tls(config.pki)) as cluster:
        members = await cluster.members()
        todo = first_start(config, members)
        if todo.remove:
            log.warning("this machine's etcd member has lost its data and is replaced")
            await cluster.remove(todo.remove)
        return await cluster.add_learner(config.peer_url) if todo.add else members


def run(config: MemberConfig) -> NoReturn:
    """Becomes the etcd process."""
    logs.configure()
    try:
        words = asyncio.run(prepare(config))
    except EtcdError as error:
        log.error("%s", error)
        raise SystemExit(1) from None
    os.execvp(words[0], words)


# --- coming to vote, and going


async def promote_self(config: MemberConfig) -> bool:
    """One attempt to make this machine's learner a voter; whether it is one now. StoreUnavailable until it runs."""
    own_id = await member_id(config.client, client_tls(config.pki))
    addresses = others(config) or [config.client]
    async with Membership(addresses, client_tls(config.pki)) as cluster:
        own = next((m for m in await cluster.members() if m.id == own_id), None)
        if own is None:
            raise EtcdError(f"the member {config.name} is none of the cluster's: it is not added yet, or was removed")
        if own.learner:
            try:
                await cluster.promote(own.id)
            except StoreUnavailable as error:
                if not any(text in str(error) for text in NOT_YET):
                    raise
                log.info("this machine's etcd member is not in step yet: %s", error)
                return False
        return True


async def is_voter(config: MemberConfig) -> bool:
    """Whether this machine's member has come into the cluster whole. StoreUnavailable until it runs."""
    own_id = await member_id(config.client, client_tls(config.pki))
    async with membership(config) as cluster:
        return any(m.id == own_id and not m.learner for m in await cluster.members())


async def leave(config: MemberConfig) -> bool:
    """Takes this machine's member out of the cluster; False if it is the only one, or none."""
    addresses = others(config)
    if not addresses:
        return False
    async with membership(config) as cluster:
        own = next((m for m in await cluster.members() if config.peer_url in m.peer_urls), None)
        if own is None:
            return False
        await _remove(cluster, own.id)
    return True


async def _remove(cluster: Membership, member: int) -> None:
    """etcd refuses for some seconds after every change of members, until it has seen all of them well."""
    deadline = clock.monotonic() + _REMOVE_SECONDS
    while True:
        try:
            await cluster.remove(member)
            return
        except StoreUnavailable as error:
            if not any(text in str(error) for text in NO_QUORUM) or clock.monotonic() > deadline:
                raise
        await clock.sleep(_RETRY_SECONDS)


async def remove(config: MemberConfig, name: str) -> None:
    """Takes another machine's member out, which is gone for good. SettingsError says why it stays."""
    async with membership(config) as cluster:
        try:
            members = await cluster.members()
            found = next((m for m in members if m.name == name), None)
            if found is None:
                known = ", ".join(sorted(m.name for m in members))
                raise SettingsError(f"etcd has no member {name}: its members are {known}")
            await _remove(cluster, found.id)
        except StoreUnavailable as error:
            hint = ": too few of the others answer" if any(text in str(error) for text in NO_QUORUM) else ""
            raise SettingsError(f"the member {name} stays ({error}){hint}") from None
