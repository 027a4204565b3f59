"""Looks after this machine's member of the managed etcd, as a process beside it.

- A learner becomes a voter when it has caught up.
- The members are written down, so that the next start finds them.
- A database file of which most is unused is rewritten (defragmented), one member of the cluster at a time: history is
  compacted by the API servers, which frees space inside of the file only.
- An etcd that is full (alarm NOSPACE) takes no writes: rewritten, it takes them again if that made room. Otherwise the
  log says what to do.
"""

import logging
from collections.abc import Sequence

from pynetes.cli import etcd, etcdmember
from pynetes.cli.etcd import EtcdError, MemberConfig
from pynetes.component import clock
from pynetes.storage import StoreUnavailable
from pynetes.storage.etcd.membership import MemberHealth, defragment

log = logging.getLogger(__name__)

_SOON, _PERIOD = 1.0, 15.0

#: Smaller files are not worth the pause.
_WORTH_BYTES = 100 * 2**20
#: A file of this part of the quota is full enough to be rewritten for little.
_CROWDED = 0.8


def to_defragment(members: Sequence[MemberHealth], quota: int) -> int:
    """The id of the one member to rewrite now, 0 for none: it pauses, so all others must be well."""
    if not all(each.healthy for each in members):
        return 0
    wasteful = [each for each in members if _is_wasteful(each, quota)]
    # The leader last: its pause is everybody's.
    wasteful.sort(key=lambda each: (each.leader, each.member.id))
    return wasteful[0].member.id if wasteful else 0


def _is_wasteful(health: MemberHealth, quota: int) -> bool:
    unused = health.db_size - health.db_in_use
    if "NOSPACE" in health.alarms or health.db_size > _CROWDED * quota:
        return unused > health.db_size / 10
    return health.db_size > _WORTH_BYTES and unused > health.db_size / 2


def is_full(health: MemberHealth, quota: int) -> bool:
    """Whether rewriting would not help."""
    return "NOSPACE" in health.alarms and not _is_wasteful(health, quota) and health.db_size > _CROWDED * quota


async def run(config: MemberConfig) -> None:
    """Until cancelled."""
    voting = False
    while True:
        try:
            if not voting:
                voting = await etcdmember.promote_self(config)
                if voting:
                    log.info("etcd member %s votes", config.name)
            await look_after(config)
        except StoreUnavailable as error:
            log.warning("etcd: %s", error)
        except EtcdError as error:
            log.warning("%s", error)
        await clock.sleep(_PERIOD if voting else _SOON)


async def look_after(config: MemberConfig) -> None:
    """One round."""
    async with etcdmember.membership(config) as membership:
        found = await membership.survey()
        members = etcdmember.known([health.member for health in found])
        if etcd.load_members(config.members_file) != members:
            etcd.save_members(config.members_file, members)
        own = next((health for health in found if config.peer_url in health.member.peer_urls), None)
        if own is None:
            return
        if to_defragment(found, config.quota) == own.member.id:
            log.info("etcd's database is rewritten: %d of %d bytes are in use", own.db_in_use, own.db_size)
            await defragment(config.client, etcdmember.client_tls(config.pki))
        elif is_full(own, config.quota):
            log.error(
                "etcd is full (%d bytes in use) and takes no writes: delete what is not needed, then compaction and "
                "rewriting make room by themselves within minutes",
                own.db_in_use,
            )
        elif "NOSPACE" in own.alarms:
            log.warning("etcd has room again and takes writes")
            await membership.disarm(own.member.id, "NOSPACE")
