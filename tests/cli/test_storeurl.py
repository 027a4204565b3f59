"""What --store takes, what it refuses and how, and that a password is in one file only."""

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import asdict

from pynetes.cli import cluster, settings, storeurl, up
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError
from tests.ports import free_port

POSTGRES = "postgres://me:secret@db.example.com/state?sslmode=verify-full&sslrootcert=/ca"


@pytest.mark.parametrize(
    ("text", "identity", "shared", "managed"),
    [
        ("sqlite:", "sqlite:", False, False),
        ("sqlite://", "sqlite:", False, False),
        ("sqlite:/srv/state.db", "sqlite:/srv/state.db", False, False),
        ("sqlite:///srv/state.db", "sqlite:/srv/state.db", False, False),
        ("etcd:", "etcd:", True, True),
        ("etcd://", "etcd:", True, True),
        ("etcd://h1,h2:1?cacert=/ca", "etcd://h1,h2:1", True, False),
        ("etcds://h1", "etcd://h1", True, False),
        (POSTGRES, "postgres://me@db.example.com/state", True, False),
        ("postgresql://h/d", "postgres://h/d", True, False),
        ("mariadb://root:secret@h/d", "mysql://root@h/d", True, False),
    ],
)
def test_a_store_is_known_by_what_is_no_secret(text: str, identity: str, shared: bool, managed: bool) -> None:
    choice = storeurl.parse(text)
    assert (choice.identity, choice.shared, choice.managed) == (identity, shared, managed)
    assert storeurl.parse(choice.url) == choice


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nosuch:", "no store engine for 'nosuch:': known are etcd"),
        ("/srv/state.db", "no store engine for '/srv/state.db'"),
        ("oracle://me:secret@h/d", "no store engine for 'oracle:…'"),
        ("memory:", "keeps nothing"),
        ("sqlite:state.db", "must begin with a slash"),
        ("etcd:///path", "a host is missing"),
    ],
)
def test_what_no_cluster_can_be_kept_in_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(problem)) as caught:
        storeurl.parse(text)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_engine_that_is_not_there_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pynetes.storage.etcd.endpoints.TIMEOUT", 0.5)
    port = free_port()
    for url in (f"etcd://127.0.0.1:{port}", f"postgres://me:secret@127.0.0.1:{port}/d", f"mysql://127.0.0.1:{port}/d"):
        with pytest.raises(SettingsError, match=r"cannot be used .* see that it runs") as caught:
            storeurl.check(storeurl.parse(url))
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(SettingsError, match="is no directory to write in"):
        storeurl.check(storeurl.parse(f"sqlite:{tmp_path}/nosuch/state.db"))
    with pytest.raises(SettingsError, match=r"mysql://u:….h/d: its certificates cannot be used"):
        storeurl.check(storeurl.parse("mysql://u:secret@h/d?ssl-ca=/nowhere"))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data", tmp_path / "run")
    made.make()
    return made


def test_a_password_is_in_a_file_of_its_own(layout: Layout) -> None:
    choice = storeurl.parse(POSTGRES)
    storeurl.save(layout, choice)
    chosen = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "store": choice.identity})
    chosen.save(layout.settings)
    assert "secret" not in layout.settings.read_text()
    assert layout.store_url.stat().st_mode & 0o777 == 0o600
    assert cluster.apiserver_config(layout, chosen).storage == POSTGRES
    assert storeurl.chosen(layout, None) == choice
    assert storeurl.chosen(layout, POSTGRES.replace("secret", "another")).identity == chosen.store


def test_a_cluster_keeps_its_store(layout: Layout) -> None:
    first = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "store": "etcd:"})
    first.save(layout.settings)
    assert settings.choose(layout, {"node_ip": "127.0.0.1", "store": "etcd:"}) == first
    with pytest.raises(SettingsError, match=r"this cluster's store is etcd:; another is free after `pynetes purge`"):
        settings.choose(layout, {"node_ip": "127.0.0.1", "store": "sqlite:"})


def test_a_running_cluster_keeps_its_store(layout: Layout) -> None:
    running = Settings("one", "127.0.0.1", store="etcd:")
    layout.supervisor_state.write_text(json.dumps({"settings": asdict(running), "processes": {}}))
    up.check_running(layout, "all", "etcd:")
    up.check_running(layout, "all", None)
    with pytest.raises(SettingsError, match="this cluster's store is etcd:"):
        up.check_running(layout, "all", POSTGRES)


def test_sqlite_lies_in_the_data_directory_unless_told_otherwise(layout: Layout) -> None:
    settings_ = Settings("one", "127.0.0.1")
    assert cluster.storage_url(layout, settings_) == f"sqlite://{layout.database}"
    storeurl.save(layout, storeurl.parse("sqlite:/srv/state.db"))
    assert cluster.storage_url(layout, settings_) == "sqlite:/srv/state.db"
