"""How members come and go: the decisions by table, and real etcd processes with TLS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from pynetes.cli import etcd, etcdmember
from pynetes.cli.etcd import EtcdError, KnownMember, MemberConfig
from pynetes.cli.etcdmember import FirstStart, first_start, initial_cluster
from pynetes.cli.settings import SettingsError
from pynetes.component.pki import PKI
from pynetes.storage import KeyExists, KeyValue, Store, StoreUnavailable, open_store
from pynetes.storage.etcd import endpoints
from pynetes.storage.etcd.membership import EtcdMember, MemberHealth
from tests.cli.etcd_members import Member

T = TypeVar("T")
M1 = EtcdMember(1, "m1", ("https://192.0.2.1:2380",), ("https://192.0.2.1:2379",))
M2 = EtcdMember(2, "m2", ("https://192.0.2.2:2380",), ("https://192.0.2.2:2379",))
ADDED = EtcdMember(2, "", ("https://192.0.2.2:2380",), (), learner=True)


def config(directory: Path = Path("/nowhere")) -> MemberConfig:
    return MemberConfig("m2", "192.0.2.2", directory / "etcd", PKI(directory / "pki"), directory / "members.json")


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ([M1], FirstStart(add=True)),
        ([M1, ADDED], FirstStart()),
        ([M1, M2], FirstStart(remove=2, add=True)),
    ],
)
def test_a_member_without_data_comes_in_once(members: list[EtcdMember], wanted: FirstStart) -> None:
    assert first_start(config(), members) == wanted


def test_the_cluster_is_told_under_this_members_own_name() -> None:
    assert initial_cluster(config(), [M1, ADDED]) == "m1=https://192.0.2.1:2380,m2=https://192.0.2.2:2380"


def test_members_are_written_down(tmp_path: Path) -> None:
    made = config(tmp_path)
    assert etcd.load_members(made.members_file) is None
    assert etcd.others(made) == []
    etcd.save_members(made.members_file, etcdmember.known([M1, M2]))
    assert etcd.load_members(made.members_file) == [
        KnownMember("m1", M1.peer_urls, M1.client_urls),
        KnownMember("m2", M2.peer_urls, M2.client_urls),
    ]
    assert etcd.others(made) == ["192.0.2.1:2379"]
    assert etcd.url(made).startswith("etcd://192.0.2.2:2379,192.0.2.1:2379?cacert=")
    made.members_file.write_text("[{}]")
    with pytest.raises(EtcdError, match="is damaged"):
        etcd.load_members(made.members_file)


async def until(condition: Callable[[], Awaitable[T]], seconds: float = 60.0) -> T:
    """What `condition` returns once it is true: a cluster has no leader for a while now and then."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if found := await condition():
                    return found
            except (StoreUnavailable, EtcdError):
                pass  # on its way
            await asyncio.sleep(0.1)


async def come_in(member: Member) -> None:
    await member.start()
    await until(lambda: etcdmember.promote_self(member.config))
    await is_well(member)
    await look_after(member)


async def is_well(member: Member) -> list[MemberHealth]:
    """What it says of all members once each is well and votes, and one leads."""

    async def look() -> list[MemberHealth] | None:
        found = await member.survey()
        well = all(health.healthy and not health.member.learner and health.lag < 10 for health in found)
        return found if well and sum(health.leader for health in found) == 1 else None

    return await until(look)


async def look_after(member: Member) -> None:
    async def once() -> bool:
        await member.round()
        return True

    await until(once)


@asynccontextmanager
async def cluster(directory: Path, count: int, **options: int) -> AsyncIterator[list[Member]]:
    members: list[Member] = []
    try:
        for number in range(count):
            members.append(Member(directory, f"m{number}", members[0] if members else None, **options))
            await come_in(members[-1])
            await look_after(members[0])
        yield members
    finally:
        for member in members:
            member.kill()


async def created(store: Store, key: str) -> KeyValue:
    try:
        return await store.create(key, b"1")
    except KeyExists as exists:  # the answer to an earlier attempt was lost
        return exists.current


async def test_members_join_are_replaced_and_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with cluster(tmp_path, 3) as members:
        first, second, third = members
        found = await is_well(first)
        assert [health.member.name for health in found] == ["m0", "m1", "m2"]
        assert all(health.version.startswith("3.") for health in found)
        store = await open_store(etcd.url(first.config))
        try:
            kept = await until(lambda: created(store, "/kept"))
            # The founder's own disk is lost: it must not make a second cluster.
            first.lose_data()
            # The cluster still lists the lost member as one that votes: its successor, which does not run yet, is none.
            with pytest.raises(StoreUnavailable):
                await etcdmember.promote_self(first.config)
            await come_in(first)
            await is_well(third)
            assert (await until(lambda: store.get("/kept")))[0] == kept
        finally:
            await store.close()
        assert len({health.member.id for health in await is_well(third)}) == 3
        for member in members:
            await look_after(member)
        assert await etcdmember.leave(third.config)
        third.kill()
        await is_well(first)
        with pytest.raises(SettingsError, match=r"has no member m9: its members are m0, m1"):
            await etcdmember.remove(first.config, "m9")
        second.kill()
        # One of two is no quorum: what is left says so and stays as it is.
        monkeypatch.setattr(endpoints, "TIMEOUT", 1.0)
        with pytest.raises(SettingsError, match="the member m1 stays"):
            await etcdmember.remove(first.config, "m1")


async def test_the_only_members_data_are_not_made_anew(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1) as (only,):
        assert not await etcdmember.leave(only.config)
        only.lose_data()
        with pytest.raises(EtcdError, match=r"are gone from .*: restore a snapshot"):
            await only.start()


async def test_an_attempt_that_was_cut_short_is_taken_up(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1) as (first,):
        second = Member(tmp_path, "second", first)
        await etcdmember.prepare(second.config)  # added, and then the machine went away
        try:
            await come_in(second)
            assert len(await is_well(first)) == 2
        finally:
            second.kill()


async def test_another_machines_member_is_taken_out(tmp_path: Path) -> None:
    async with cluster(tmp_path, 3) as (first, _, third):
        third.kill()
        await etcdmember.remove(first.config, "m2")
        assert [health.member.name for health in await is_well(first)] == ["m0", "m1"]
