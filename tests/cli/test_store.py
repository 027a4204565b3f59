"""`pynetes store`: a cluster whose store is lost, or grown out of, runs on from a snapshot."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CONFIG_MAPS, NAMESPACES
from pynetes.apiserver.server import APIServer
from pynetes.cli import etcd, etcdrestore, settings, storeurl
from pynetes.cli.etcd import MemberConfig
from pynetes.cli.layout import Layout
from pynetes.cli.main import main
from pynetes.cli.settings import Settings, SettingsError
from pynetes.client import kubeconfig
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component import pki
from pynetes.component.tasks import Tasks
from pynetes.storage import Store, open_store
from pynetes.storage.snapshot import BUMP, StoreNotEmpty
from pynetes.testing import apiserver
from tests.ports import free_port
from tests.storage.engines import Engine, Etcd, MariaDB, Postgres

ENGINES: dict[str, type[Engine]] = {"etcd": Etcd, "postgres": Postgres, "mysql": MariaDB}


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[[str], Engine]]:
    running: dict[str, Engine] = {}
    with ExitStack() as stack:

        def start(name: str) -> Engine:
            if name not in running:
                running[name] = ENGINES[name]()
                stack.callback(running[name].close)
                running[name].start()
            return running[name]

        yield start


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data", tmp_path / "run")
    made.make()
    return made


def run(layout: Layout, command: str, *words: object) -> Result:
    places = ["--data-dir", str(layout.data), "--run-dir", str(layout.run)]
    return CliRunner().invoke(main, ["store", command, *places, *map(str, words)])


def done(layout: Layout, command: str, *words: object) -> str:
    result = run(layout, command, *words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(layout: Layout, command: str, *words: object) -> str:
    result = run(layout, command, *words)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ")
    return result.output


# --- a cluster


@asynccontextmanager
async def serving(directory: Path, url: str, port: int) -> AsyncIterator[APIServer]:
    files = pki.ensure(directory, addresses=("127.0.0.1",))
    config = apiserver.config(files, storage=url, secure_port=port)
    async with APIServer(config) as server:
        await server.ready()
        yield server


@asynccontextmanager
async def connected(directory: Path, port: int) -> AsyncIterator[Client]:
    files = pki.ensure(directory, addresses=("127.0.0.1",))
    access = kubeconfig.Config(
        f"https://127.0.0.1:{port}",
        ca=files.ca.certificate.read_bytes(),
        cert=files.admin.certificate.read_bytes(),
        key=files.admin.key.read_bytes(),
    )
    client = Client(kubeconfig.transport(access), user_agent="test")
    try:
        yield client
    finally:
        await client.close()


def config_map(name: str, value: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


class Survivor:
    """An informer that outlives the store, and the greatest resourceVersion that it was ever told."""

    def __init__(self, client: Client) -> None:
        self.informer = Informer(client, CONFIG_MAPS, namespace="default")
        self.versions: dict[str, list[int]] = {}
        self._moved = asyncio.Event()
        self.informer.add_handler(self._saw, lambda _, new: self._saw(new), lambda _: self._moved.set())

    def _saw(self, obj: dict[str, Any]) -> None:
        metadata = obj["metadata"]
        self.versions.setdefault(metadata["name"], []).append(int(metadata["resourceVersion"]))
        self._moved.set()

    async def sees(self, **values: str) -> None:
        """Returns when these are all the config maps there are."""
        async with asyncio.timeout(60):
            while self.values() != values:
                self._moved.clear()
                await self._moved.wait()

    def values(self) -> dict[str, str]:
        """But for the authority that is in every namespace."""
        found = {obj["metadata"]["name"]: obj["data"].get("value", "") for obj in self.informer.list()}
        return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("engine", ["sqlite", *ENGINES])
async def test_clients_survive_the_loss_of_the_store(
    engine: str, tmp_path: Path, layout: Layout, started: Callable[[str], Engine]
) -> None:
    """SQLite's file is lost with what was written after the snapshot; the cluster runs on from any engine."""
    keys, port, file = tmp_path / "pki", free_port(), tmp_path / "snapshot"
    async with connected(keys, port) as client, Tasks("test") as tasks:
        survivor = Survivor(client)
        async with serving(keys, f"sqlite://{layout.database}", port):
            tasks.start(survivor.informer.run(), name="informer")
            await client.create(CONFIG_MAPS, config_map("kept", "1"), "default")
            await client.create(CONFIG_MAPS, config_map("changed", "1"), "default")
            await client.create(CONFIG_MAPS, config_map("deleted", "1"), "default")
            output = await asyncio.to_thread(done, layout, "snapshot", file)
            assert f"{file}: revision " in output
            uid = (await client.get(NAMESPACES, "kube-system"))["metadata"]["uid"]
            assert json.loads(file.read_bytes().split(b"\n")[1])["cluster"] == uid
            await client.update(CONFIG_MAPS, config_map("changed", "2"))
            await client.delete(CONFIG_MAPS, "deleted", "default")
            last = await client.create(CONFIG_MAPS, config_map("lost", "1"), "default")
            await survivor.sees(kept="1", changed="2", lost="1")
        url = started(engine).empty() if engine in ENGINES else f"sqlite://{tmp_path}/new/state.db"
        output = await asyncio.to_thread(done, layout, "restore", file, "--store", url)
        assert "The store goes on from revision 100000" in output
        async with serving(keys, url, port):
            await survivor.sees(kept="1", changed="1", deleted="1")
            old = last["metadata"]["resourceVersion"]
            with pytest.raises(StatusError, match="too old resource version") as caught:
                async with aclosing(client.watch(CONFIG_MAPS, "default", resource_version=old)) as watch:
                    await anext(watch)
            assert caught.value.code == 410
            stale = config_map("kept", "stale")
            stale["metadata"]["resourceVersion"] = old
            with pytest.raises(StatusError) as caught:
                await client.update(CONFIG_MAPS, stale)
            assert caught.value.code == 409
            made = await client.create(CONFIG_MAPS, config_map("lost", "3"), "default")
            await survivor.sees(kept="1", changed="1", deleted="1", lost="3")
            assert int(made["metadata"]["resourceVersion"]) > BUMP
        for name, versions in survivor.versions.items():
            assert versions == sorted(set(versions)), name


# --- the commands


async def fill(url: str, **values: bytes) -> int:
    store = await open_store(url)
    for name, value in values.items():
        await store.create(f"/registry/core/configmaps/default/{name}", value)
    revision = await store.revision()
    await store.close()
    return revision


async def contents(url: str) -> dict[str, bytes]:
    store = await open_store(url)
    found = {kv.key.rpartition("/")[2]: kv.value for kv in (await store.list("/")).items}
    await store.close()
    return found


@pytest.fixture
def filled(layout: Layout) -> Layout:
    """One whose store holds something."""
    asyncio.run(fill(f"sqlite://{layout.database}", a=b"1", b=b"2"))
    return layout


def test_a_snapshot_is_taken_of_what_the_data_directory_holds(filled: Layout, tmp_path: Path) -> None:
    output = done(filled, "snapshot", tmp_path / "snapshot")
    assert f"{tmp_path}/snapshot: revision 3 of the sqlite store, 2 keys, " in output
    assert f"The certificates and keys in {filled.pki} are no part of it" in output


def test_it_is_restored_to_an_empty_place(filled: Layout, tmp_path: Path) -> None:
    done(filled, "snapshot", tmp_path / "snapshot")
    new = Layout(tmp_path / "new", tmp_path / "run")
    output = done(new, "restore", tmp_path / "snapshot", "--bump-revision", 10)
    assert output.startswith("Restored 2 keys, revision 3 of the sqlite store at ")
    assert "The store goes on from revision 15." in output
    assert asyncio.run(contents(f"sqlite://{new.database}")) == {"a": b"1", "b": b"2"}


def test_what_is_there_is_replaced_only_when_told(filled: Layout, tmp_path: Path) -> None:
    done(filled, "snapshot", tmp_path / "snapshot")
    asyncio.run(fill(f"sqlite://{filled.database}", c=b"3"))
    assert "is not empty: nothing was restored (--overwrite" in refused(filled, "restore", tmp_path / "snapshot")
    assert set(asyncio.run(contents(f"sqlite://{filled.database}"))) == {"a", "b", "c"}
    done(filled, "restore", tmp_path / "snapshot", "--overwrite")
    assert set(asyncio.run(contents(f"sqlite://{filled.database}"))) == {"a", "b"}


def test_nothing_is_restored_under_a_running_cluster(filled: Layout, tmp_path: Path) -> None:
    done(filled, "snapshot", tmp_path / "snapshot")
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", "pynetes supervisor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as supervisor:
        assert supervisor.stdout is not None
        supervisor.stdout.readline()
        filled.supervisor_pid.write_text(str(supervisor.pid))
        output = refused(filled, "restore", tmp_path / "snapshot", "--overwrite")
        assert f"a cluster runs on {filled.data}: stop it with `pynetes down` first" in output
        supervisor.communicate(b"\n")


async def test_nothing_is_restored_under_an_api_server_that_runs_alone(filled: Layout, tmp_path: Path) -> None:
    await asyncio.to_thread(done, filled, "snapshot", tmp_path / "snapshot")
    store: Store = await open_store(f"sqlite://{filled.database}")
    output = await asyncio.to_thread(refused, filled, "restore", tmp_path / "snapshot", "--overwrite")
    assert "in use by process" in output
    await store.close()


def test_a_damaged_file_is_told(filled: Layout, tmp_path: Path) -> None:
    file = tmp_path / "snapshot"
    done(filled, "snapshot", file)
    file.write_bytes(file.read_bytes()[:-1])
    assert f"{file} is truncated or damaged" in refused(filled, "restore", file, "--overwrite")
    assert f"there is no store at {tmp_path}/none" in refused(
        filled, "snapshot", file, "--store", f"sqlite:{tmp_path}/none"
    )
    assert "known are" in refused(filled, "snapshot", file, "--store", "nosuch:x")


def test_a_cluster_moves_to_another_store(filled: Layout, tmp_path: Path, started: Callable[[str], Engine]) -> None:
    settings.choose(filled, {"node_name": "one", "node_ip": "127.0.0.1"}).save(filled.settings)
    url = started("postgres").empty()
    done(filled, "snapshot", tmp_path / "snapshot")
    output = done(filled, "restore", tmp_path / "snapshot", "--store", url)
    assert "still keeps its state in sqlite:; --switch changes that" in output
    output = done(filled, "restore", tmp_path / "snapshot", "--store", url, "--overwrite", "--switch")
    assert "keeps its state in postgres://" in output
    assert storeurl.load(filled).url == url
    made = settings.load(filled)
    assert made is not None
    # The next start takes it for the cluster's own.
    again = settings.choose(filled, {"node_ip": "127.0.0.1", "store": storeurl.chosen(filled, None).identity})
    assert again.store == made.store == storeurl.parse(url).identity
    assert "2 keys" in done(filled, "snapshot", tmp_path / "second")


def test_a_node_has_no_store(layout: Layout, tmp_path: Path) -> None:
    settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "role": "agent"}).save(layout.settings)
    assert "is a node of another machine's cluster" in refused(layout, "snapshot", tmp_path / "snapshot")


# --- the managed etcd


@pytest.fixture
def managed(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A cluster with an etcd of its own, on free ports."""
    chosen = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "store": storeurl.ETCD})
    chosen.save(layout.settings)
    storeurl.save(layout, storeurl.parse(storeurl.ETCD))
    original, ports = etcd.member_config, (free_port(), free_port(), free_port())

    def config(layout: Layout, settings: Settings) -> MemberConfig:
        client, peer, metrics = ports
        made = original(layout, settings)
        return replace(made, client_port=client, peer_port=peer, metrics_port=metrics)

    monkeypatch.setattr(etcd, "member_config", config)
    return chosen


def test_a_managed_etcd_is_restored_and_read_while_its_cluster_is_stopped(
    managed: Settings, layout: Layout, tmp_path: Path
) -> None:
    source = f"sqlite://{tmp_path}/source.db"
    asyncio.run(fill(source, a=b"1", b=b"2"))
    done(layout, "snapshot", tmp_path / "first", "--store", source.replace("//", ""))
    assert "no data of an etcd member" in refused(layout, "snapshot", tmp_path / "second")
    assert "Restored 2 keys" in done(layout, "restore", tmp_path / "first")
    assert etcd.member_config(layout, managed).has_data
    assert "of the etcd store, 2 keys" in done(layout, "snapshot", tmp_path / "second")
    assert "is not empty" in refused(layout, "restore", tmp_path / "second")
    output = done(layout, "restore", tmp_path / "second", "--overwrite")
    assert "The store goes on from revision 200000" in output
    assert sorted(p.name for p in layout.data.iterdir() if p.name.startswith("etcd")) == ["etcd"]


async def test_a_member_that_runs_elsewhere_keeps_its_cluster(
    managed: Settings, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def refuse(config: MemberConfig) -> None:
        asked.append(config.name)
        raise SettingsError("etcd's member at other:2379 runs: stop the other control planes first")

    monkeypatch.setattr(etcdrestore, "_see_no_other", refuse)
    with pytest.raises(SettingsError, match="stop the other control planes first"):
        await etcdrestore.restore(layout, managed, tmp_path / "none", overwrite=False, bump=1)
    assert asked == ["one"]
    etcd.member_config(layout, managed).data.joinpath("member", "wal").mkdir(parents=True)
    etcd.member_config(layout, managed).data.joinpath("member", "wal", "0.wal").touch()
    with pytest.raises(StoreNotEmpty):
        await etcdrestore.restore(layout, managed, tmp_path / "none", overwrite=False, bump=1)


# --- status


def test_the_status_of_a_store(filled: Layout) -> None:
    text = done(filled, "status")
    assert f"SQLite, {filled.database}, not in use" in text
    assert "healthy" in text
    assert "configmaps" in text
    status = json.loads(done(filled, "status", "-o", "json"))
    assert status["healthy"] is status["reachable"] is True
    assert status["problems"] == []
    assert (status["engine"], status["inUse"], status["revision"]) == ("sqlite", False, 3)
    assert status["keys"] == {"configmaps": 2}
    assert status["compaction"] == {
        "revision": 0,
        "revisionsKept": 3,
        "versionsKept": 2,
        "revisionsToFree": 0,
        "secondsSinceLast": None,
        "behind": False,
    }


def test_the_status_of_an_etcd(layout: Layout, started: Callable[[str], Engine]) -> None:
    url = started("etcd").empty()
    asyncio.run(fill(url, a=b"1"))
    status = json.loads(done(layout, "status", "--store", url, "-o", "json"))
    (member,) = status["members"]
    assert member["leader"] is member["healthy"] is True
    assert member["lag"] == 0
    assert "leader" in done(layout, "status", "--store", url)
    started("etcd").kill()
    result = run(layout, "status", "--store", url, "-o", "json")
    assert result.exit_code == 1
    status = json.loads(result.output)
    assert status["reachable"] is status["healthy"] is False
    assert "failed to connect" in status["problems"][0]
    started("etcd").start()


def test_a_store_that_is_not_there_is_unhealthy(layout: Layout) -> None:
    result = run(layout, "status")
    assert result.exit_code == 1
    assert f"there is no store at {layout.database}" in result.output
