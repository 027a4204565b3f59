"""Commands of a control plane's machine, on the machine whose hosts the control planes are."""

import asyncio
from pathlib import Path

import pytest

from pynetes.cli.hosts import behalf, places, record
from pynetes.cli.hosts.plan import HostError, Plan, grow
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.cli.status import hosts
from pynetes.storage import open_store


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data", tmp_path / "run")
    made.make()
    return made


def _with_hosts(layout: Layout, store: str) -> Layout:
    """One master and one node, both off; the master's files."""
    record.save(layout, grow(Plan("198.18.53.0/24"), masters=1, nodes=1))
    there = places.of(layout, "master-1").layout
    there.data.mkdir(parents=True)
    Settings("master-1", "198.18.53.2", role="server", store=store).save(there.settings)
    return there


async def _fill(layout: Layout) -> None:
    store = await open_store(f"sqlite://{layout.database}")
    await store.create("/registry/core/namespaces/a", b'{"metadata":{"uid":"1"}}')
    await store.close()


def test_without_hosts_the_machine_is_its_own(layout: Layout) -> None:
    assert behalf.control_plane(layout) == layout
    assert hosts.read(layout) == []


def test_a_master_must_be_on(layout: Layout) -> None:
    _with_hosts(layout, "sqlite:")
    with pytest.raises(HostError, match="no master is on"):
        behalf.control_plane(layout)
    assert [(host.name, host.state) for host in hosts.read(layout)] == [("master-1", "off"), ("node-1", "off")]


def test_a_snapshot_comes_back_to_a_masters_file(layout: Layout, tmp_path: Path) -> None:
    there = _with_hosts(layout, "sqlite:")
    asyncio.run(_fill(layout))
    file = tmp_path / "snapshot"
    behalf.snapshot(layout, file, f"sqlite:{layout.database}")
    behalf.restore(layout, file, None, overwrite=False, switch=False, bump=1000)
    assert there.database.exists()


def test_the_etcd_of_hosts_is_not_restored_in_place(layout: Layout, tmp_path: Path) -> None:
    _with_hosts(layout, "etcd:")
    with pytest.raises(HostError, match="not restored in place"):
        behalf.restore(layout, tmp_path / "snapshot", None, overwrite=True, switch=False, bump=1000)
