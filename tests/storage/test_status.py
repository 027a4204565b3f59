"""How a store is, told from outside."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynetes.component import clock
from pynetes.storage import StoreUnavailable, open_store
from pynetes.storage.compactor import Compactor
from pynetes.storage.etcd.endpoints import TIMEOUT
from pynetes.storage.etcd.membership import EtcdMember, MemberHealth
from pynetes.storage.snapshot import restore, take
from pynetes.storage.snapshot.opening import open_view
from pynetes.storage.status import Compaction, StoreStatus, sqlite, survey
from pynetes.storage.status.surveying import resource_of
from tests.ports import free_port
from tests.storage.conftest import EMBEDDED, SERVERS, Servers
from tests.storage.engines import Postgres
from tests.storage.engines.postgres import binaries

ENGINES = ["sqlite", *SERVERS]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(engine: str, servers: Servers, tmp_path: Path) -> str:
    return EMBEDDED[engine](tmp_path) if engine in EMBEDDED else servers[engine].empty()


async def test_a_store_in_use(engine: str, url: str) -> None:
    store = await open_store(url)
    kept = await store.create("/registry/core/pods/default/a", b"1")
    for number in range(20):
        kept = await store.update(kept.key, b"%d" % number, expected=kept.mod_revision)
    await store.create("/registry/apps/deployments/default/a", b"")
    await store.create("/registry/core/nodes/a", b"")
    status = await survey(url)
    while engine != "etcd" and not status.in_use:  # a database's server waits for its lock
        await asyncio.sleep(0.1)
        status = await survey(url)
    revision = await store.revision()
    assert status.engine == engine
    assert status.revision == revision
    assert status.keys == {"deployments.apps": 1, "nodes": 1, "pods": 1}
    assert status.in_use is (None if engine == "etcd" else True)
    assert 4096 <= status.size < 100 << 20
    assert status.all_problems() == []
    assert status.compaction == Compaction(
        versions=None if engine == "etcd" else 23, unswept=None if engine == "etcd" else 0
    )
    await store.compact(revision)
    compaction = (await survey(url)).compaction
    assert compaction.revision == revision
    assert compaction.versions == (None if engine == "etcd" else 3)
    await store.close()


async def test_a_store_that_nobody_uses(engine: str, url: str) -> None:
    store = await open_store(url)
    await store.create("/registry/core/nodes/a", b"")
    await store.close()
    status = await survey(url)
    while status.in_use:  # until the database has noticed
        await asyncio.sleep(0.1)
        status = await survey(url)
    assert status.in_use is (None if engine == "etcd" else False)
    assert status.all_problems() == []
    if engine in ("postgres", "mysql"):
        assert status.replication is not None
        assert status.replication.role == "alone"


async def test_a_restored_store_tells_its_own_revisions(url: str, tmp_path: Path) -> None:
    source = f"sqlite://{tmp_path}/source.db"
    store = await open_store(source)
    await store.create("/registry/core/nodes/a", b"")
    await store.close()
    async with open_view(source) as view:
        await take(view, tmp_path / "snapshot")
    restored = await restore(tmp_path / "snapshot", url)
    status = await survey(url)
    assert status.revision == restored.revision
    assert restored.revision - 1 <= status.compaction.revision <= restored.revision


async def test_a_compactor_that_is_behind_is_a_problem(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_store(url)
    await Compactor(store)._step(0)
    status = await survey(url, in_use=True)
    assert status.compaction.age is not None
    assert 0 <= status.compaction.age < 60
    assert status.all_problems() == []
    later = clock.time_seconds() + 1000
    monkeypatch.setattr("pynetes.storage.status.surveying.clock.time_seconds", lambda: later)
    (problem,) = (await survey(url, in_use=True)).all_problems()
    assert problem == "compaction is behind: the last one was 17 minutes ago, the store grows"
    # Nobody compacts a store that is not in use.
    assert (await survey(url, in_use=False)).all_problems() == []
    await store.close()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("sqlite:///nowhere/store.db", "there is no store at /nowhere/store.db"),
        ("etcd://127.0.0.1:{}", "failed to connect"),
        ("postgres://u:secret@127.0.0.1:{}/d", "PostgreSQL, postgres://u:…@127.0.0.1"),
        ("mysql://u:secret@127.0.0.1:{}/d", "MySQL, 127.0.0.1"),
    ],
)
async def test_a_store_that_is_not_there(address: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pynetes.storage.etcd.endpoints._ROUND_DELAY", TIMEOUT)  # the first refusal is the last
    status = await survey(address.format(free_port()))
    assert why in status.error
    assert status.all_problems() == [status.error]
    assert "secret" not in status.error + status.where


async def test_a_database_without_tables_is_not_given_any(servers: Servers) -> None:
    for engine in ("postgres", "mysql"):
        url = servers[engine].empty()
        for _ in range(2):
            assert "holds no store" in (await survey(url)).error


async def test_a_url_that_is_none_is_an_error() -> None:
    with pytest.raises(StoreUnavailable, match="known are"):
        await survey("nosuch:x")


async def test_etcds_members_are_told(servers: Servers) -> None:
    url = servers["etcd"].empty()
    (health,) = (await survey(url)).members
    assert (health.member.name, health.leader, health.healthy, health.lag) == ("one", True, True, 0)
    assert health.raft_index > 0
    assert health.version.startswith("3.")


def member(name: str, problem: str = "", lag: int = 0, alarms: tuple[str, ...] = ()) -> MemberHealth:
    return MemberHealth(EtcdMember(1, name, (), ()), problem, lag=lag, alarms=alarms)


def test_what_is_wrong_with_a_member_is_a_problem() -> None:
    members = [
        member("a"),
        member("b", "down"),
        member("c", lag=10),
        member("d", lag=10_000),
        member("e", alarms=("NOSPACE",)),
    ]
    assert StoreStatus("etcd", "", members=members).all_problems() == [
        "member b: down",
        "member d: it is 10000 entries behind",
        "member e: alarm NOSPACE",
    ]


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("/registry/core/pods/default/a", "pods"),
        ("/registry/apps/deployments/default/a", "deployments.apps"),
        ("/registry/core/nodes/a", "nodes"),
        ("/registry/rbac.authorization.k8s.io/clusterroles/system:node", "clusterroles.rbac.authorization.k8s.io"),
        ("/pynetes/compaction", "/pynetes"),
        ("/a", "/a"),
    ],
)
def test_keys_are_counted_by_resource(key: str, resource: str) -> None:
    assert resource_of(key) == resource


# --- replication


class Primary(Postgres):
    def install(self) -> None:
        super().install()
        with (self.data / "pg_hba.conf").open("a") as access:
            access.write("host replication all 127.0.0.1/32 trust\n")


class Standby(Postgres):
    """Follows `primary`."""

    primary: Postgres

    def install(self) -> None:
        self.run(
            f"{binaries()}/pg_basebackup", f"--pgdata={self.data}", "--host=127.0.0.1", f"--port={self.primary.port}",
            "--username=postgres", "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        )  # fmt: skip


@pytest.fixture
def replicated() -> Iterator[tuple[Postgres, Postgres]]:
    primary, standby = Primary(), Standby()
    standby.primary = primary
    try:
        primary.start()
        standby.start()
        yield primary, standby
    finally:
        standby.close()
        primary.close()


async def test_postgres_tells_its_standbys(replicated: tuple[Postgres, Postgres]) -> None:
    primary, standby = replicated
    url = primary.empty()
    store = await open_store(url)
    made = await store.create("/registry/core/nodes/a", b"")
    status = await survey(url)
    assert status.replication is not None
    assert status.replication.role == "primary"
    ((name, behind),) = status.replication.standbys.items()
    assert name == "walreceiver"
    assert behind is not None
    assert status.all_problems() == []
    async with asyncio.timeout(100):
        while True:
            followed = await survey(url.replace(str(primary.port), str(standby.port)))
            if followed.revision == made.mod_revision:
                break
            await asyncio.sleep(0.05)
    assert followed.replication is not None
    assert followed.replication.role == "standby"
    assert followed.all_problems() == ["it is a standby, which takes no writes"]
    await store.close()


async def test_mysql_that_takes_no_writes_is_a_problem(servers: Servers) -> None:
    server = servers["mysql"]
    url = server.empty()
    await (await open_store(url)).close()
    server.sql("SET GLOBAL read_only = 1")  # type: ignore[attr-defined]
    try:
        assert "it is read-only" in (await survey(url)).all_problems()
    finally:
        server.sql("SET GLOBAL read_only = 0")  # type: ignore[attr-defined]


def test_a_lock_on_another_disks_file_of_the_same_number_is_not_the_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, locks = tmp_path / "store.db", tmp_path / "locks"
    lock = tmp_path / "store.db.lock"
    lock.touch()
    found = lock.stat()
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    monkeypatch.setattr(sqlite, "_LOCKS", locks)
    for told, locked in ((f"{device}:{found.st_ino}", True), (f"ff:ff:{found.st_ino}", not os.major(found.st_dev))):
        locks.write_text(f"1: FLOCK  ADVISORY  WRITE 4711 {told} 0 EOF\n")
        assert sqlite.is_locked(store) is locked
