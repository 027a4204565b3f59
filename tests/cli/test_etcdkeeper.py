"""Which member is rewritten when, by table; and an etcd that is full takes writes again."""

from pathlib import Path

import pytest

from pynetes.cli import etcd
from pynetes.cli.etcdkeeper import is_full, to_defragment
from pynetes.storage import RevisionConflict, StoreUnavailable, open_store
from pynetes.storage.etcd.membership import EtcdMember, MemberHealth
from tests.cli.etcd_members import Member
from tests.cli.test_etcdmember import cluster

QUOTA = 1000 * 2**20


def health(
    number: int, size: int, used: int, problem: str = "", leader: bool = False, full: bool = False
) -> MemberHealth:
    """Sizes in MiB."""
    alarms = ("NOSPACE",) if full else ()
    member = EtcdMember(number, f"m{number}", (), ())
    return MemberHealth(member, problem, leader=leader, db_size=size * 2**20, db_in_use=used * 2**20, alarms=alarms)


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ([health(1, 50, 1)], 0),  # too small to matter
        ([health(1, 300, 200)], 0),
        ([health(1, 300, 100)], 1),
        ([health(2, 300, 100), health(1, 300, 100)], 1),  # one at a time
        ([health(1, 300, 100, leader=True), health(2, 300, 100)], 2),  # the leader last
        ([health(1, 300, 100), health(2, 300, 100, problem="down")], 0),
        ([health(1, 900, 850)], 0),
        ([health(1, 900, 700)], 1),  # nearly full
        ([health(1, 50, 10, full=True)], 1),
    ],
)
def test_one_member_is_rewritten_where_it_is_worth_it(members: list[MemberHealth], wanted: int) -> None:
    assert to_defragment(members, QUOTA) == wanted


@pytest.mark.parametrize(
    ("found", "wanted"),
    [(health(1, 1000, 990, full=True), True), (health(1, 1000, 100, full=True), False), (health(1, 1000, 990), False)],
)
def test_what_rewriting_does_not_help_is_full(found: MemberHealth, wanted: bool) -> None:
    assert is_full(found, QUOTA) is wanted


async def test_a_full_etcd_takes_writes_again_when_there_is_room(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1, quota=8 * 2**20) as (member,):
        store = await open_store(etcd.url(member.config))
        try:
            await fill_and_make_room(store_url=etcd.url(member.config), member=member)
            assert (await member.survey())[0].alarms == ()
            await store.create("/after", b"")
        finally:
            await store.close()


async def fill_and_make_room(store_url: str, member: Member) -> None:
    store = await open_store(store_url)
    try:
        full = ""
        made = await store.create("/big", b"")
        while "database space exceeded" not in full:
            try:
                made = await store.update("/big", b"x" * 2**20, expected=made.mod_revision)
            except StoreUnavailable as error:
                full = str(error)
            except RevisionConflict as conflict:  # the answer was lost
                made = conflict.current
        assert (await member.survey())[0].alarms == ("NOSPACE",)
        await store.compact(made.mod_revision)
        await member.round()  # rewrites
        await member.round()  # has room, says so
    finally:
        await store.close()
