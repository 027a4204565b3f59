"""The context in the user's kubeconfig is taken out by the cluster that put it in, and by no other."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from pynetes.cli import cluster, down, kubeconfigs
from pynetes.cli.layout import Layout
from pynetes.cli.progress import Progress
from pynetes.cli.settings import Settings
from pynetes.client import kubeconfig, serverlist


def _cluster(tmp_path: Path, name: str, server: str) -> Layout:
    layout = Layout(tmp_path / name / "data", tmp_path / name / "run")
    layout.make()
    config = kubeconfig.Config(server=server, ca=b"ca of " + name.encode())
    kubeconfig.write(layout.kubeconfig("admin"), kubeconfig.document("pynetes", config, user="pynetes-admin"))
    return layout


def test_another_clusters_context_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(user))
    one = _cluster(tmp_path, "one", "https://192.0.2.1:6443")
    two = _cluster(tmp_path, "two", "https://192.0.2.2:6443")
    assert kubeconfigs.merge_into_user_file(one) == (user, True)
    assert kubeconfigs.remove_from_user_file(two) is None
    assert [entry["name"] for entry in kubeconfig.read(user)["contexts"]] == ["pynetes"]
    assert kubeconfigs.remove_from_user_file(one) == user
    assert not kubeconfig.read(user)["contexts"]


@pytest.mark.parametrize(("text", "problem"), [("a: b: c", "cannot parse .*: line 1: "), ("words", "not a kubeconfig")])
def test_a_damaged_kubeconfig_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    user = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(user))
    assert kubeconfigs.check_user_file() == []
    user.write_text(text)
    (found,) = kubeconfigs.check_user_file()
    assert re.search(problem, found.what)
    assert "--no-kubeconfig" in found.remedy


def test_a_damaged_kubeconfig_does_not_keep_a_cluster_from_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    user = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(user))
    user.write_text("words")
    down._remove_context(_cluster(tmp_path, "one", "https://192.0.2.1:6443"), Progress())
    assert "is not known" in capsys.readouterr().out
    assert user.read_text() == "words"


def test_components_keep_their_list_of_servers_and_people_have_none(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    layout.make()
    settings = Settings("m1", "192.0.2.1", store="etcd:")
    keys = cluster.ensure_pki(layout, settings)
    kubeconfigs.write_all(layout, settings, keys)
    assert kubeconfig.load(layout.kubeconfig("scheduler")).servers == ()
    serverlist.keep_in(layout.kubeconfig("scheduler"))(["https://192.0.2.1:6443", "https://192.0.2.2:6443"])
    kubeconfigs.write_all(layout, settings, keys)  # the next start
    found = kubeconfig.load(layout.kubeconfig("scheduler"))
    assert found.servers == ("https://192.0.2.1:6443", "https://192.0.2.2:6443")
    assert (found.server, found.prefer_server) == ("https://192.0.2.1:6443", True)
    assert kubeconfig.load(layout.kubeconfig("admin")).servers is None
    kubeconfigs.write_all(layout, replace(settings, store="sqlite:"), keys)
    assert kubeconfig.load(layout.kubeconfig("scheduler")).servers is None
