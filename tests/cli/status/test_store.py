"""The store's section against real engines: alive and dead."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pynetes.cli import storeurl
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.cli.status import store
from pynetes.cli.status.remarks import BAD, OK, worst
from pynetes.storage import open_store
from tests.storage.engines import Engine, Etcd, MariaDB, Postgres


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data", tmp_path / "run")
    made.make()
    return made


def _chosen(layout: Layout, url: str) -> Settings:
    choice = storeurl.parse(url)
    storeurl.save(layout, choice)
    return Settings("n1", "127.0.0.1", role="server", store=choice.identity)


@pytest.mark.parametrize("make", [Etcd, Postgres, MariaDB])
async def test_somebody_elses_store(
    make: Callable[[], Engine], layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make()
    try:
        engine.start()
        url = engine.empty()
        opened = await open_store(url)
        await opened.close()
        settings = _chosen(layout, url)
        with monkeypatch.context() as patient:
            patient.setattr(store, "SECONDS", 60.0)
            found = await store.look(layout, settings, data=layout.data)
        assert found.problem == ""
        assert found.size
        assert worst(store.remarks(found)) == OK
        assert [member.state for member in found.members] == (["leader"] if make is Etcd else [])
    finally:
        engine.close()
    found = await store.look(layout, settings, data=layout.data)
    assert found.problem
    assert worst(store.remarks(found)) == BAD


async def test_a_file_of_this_machines_own(layout: Layout) -> None:
    settings = Settings("n1", "127.0.0.1", role="server")
    assert (await store.look(layout, settings, data=layout.data)).size is None
    opened = await open_store(f"sqlite://{layout.database}")
    found = await store.look(layout, settings, data=layout.data)
    await opened.close()
    assert (found.engine, found.location) == ("sqlite", str(layout.database))
    assert found.size
    assert found.free
