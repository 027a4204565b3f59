import base64
import os
import stat

import pytest

from pynetes.client import kubeconfig
from pynetes.client.kubeconfig import Config, ConfigError

FULL = Config("https://h:6443", ca=b"CA", cert=b"C", key=b"K", namespace="dev")


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "sub" / "config"
    kubeconfig.write(path, kubeconfig.document("pynetes", FULL))
    assert kubeconfig.load(path) == FULL
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["config"]


def test_a_linked_file_is_replaced_behind_the_link(tmp_path):
    (tmp_path / "real").write_text("")
    (tmp_path / "config").symlink_to(tmp_path / "real")
    kubeconfig.write(tmp_path / "config", kubeconfig.document("a", FULL))
    assert (tmp_path / "config").is_symlink()
    assert kubeconfig.load(tmp_path / "real") == FULL


def test_a_merged_context_replaces_its_namesake_and_keeps_the_rest():
    other = kubeconfig.document("other", Config("https://other"))
    old = kubeconfig.document("pynetes", Config("https://old"))
    merged = kubeconfig.merge(kubeconfig.merge(other, old), kubeconfig.document("pynetes", FULL))
    assert kubeconfig.choose(merged) == FULL
    assert kubeconfig.choose(merged, "other").server == "https://other"
    assert len(merged["clusters"]) == 2


def test_merging_can_leave_the_current_context_alone():
    other = kubeconfig.document("other", Config("https://other"))
    merged = kubeconfig.merge(other, kubeconfig.document("pynetes", FULL), set_current=False)
    assert merged["current-context"] == "other"


def test_a_removed_context_takes_along_only_what_nobody_else_uses():
    both = kubeconfig.merge(
        kubeconfig.document("a", FULL, user="shared"), kubeconfig.document("b", FULL, user="shared")
    )
    left = kubeconfig.remove_context(both, "b")
    assert [e["name"] for e in left["contexts"]] == ["a"]
    assert [e["name"] for e in left["clusters"]] == ["a"]
    assert [e["name"] for e in left["users"]] == ["shared"]
    assert left["current-context"] == ""


def test_of_several_files_the_first_wins(tmp_path, monkeypatch):
    for name, server in (("one", "https://one"), ("two", "https://two")):
        kubeconfig.write(tmp_path / name, kubeconfig.document("same", Config(server)))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/absent:{tmp_path}/one:{tmp_path}/two")
    assert kubeconfig.load().server == "https://one"


def test_files_beside_the_config_are_found(tmp_path):
    (tmp_path / "ca.crt").write_bytes(b"CA")
    (tmp_path / "config").write_text(
        "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: ca.crt}}]\n"
        "users: [{name: u, user: {tokenFile: token}}]\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "current-context: x\n"
    )
    config = kubeconfig.load(tmp_path / "config")
    assert config.ca == b"CA"
    assert config.token_file == str(tmp_path / "token")


def cluster(**values):
    return {
        "clusters": [{"name": "c", "cluster": {"server": "https://h", **values}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }


@pytest.mark.parametrize(
    ("document", "context", "message"),
    [
        ({}, None, "no current context"),
        (cluster(), "y", 'context "y" does not exist'),
        ({**cluster(), "users": []}, None, 'user "u" does not exist'),
        ({**cluster(), "clusters": []}, None, 'cluster "c" does not exist'),
        (cluster(server=""), None, 'cluster "c" has no server'),
        (cluster(**{"certificate-authority-data": "***"}), None, "is not base64"),
        (cluster(**{"certificate-authority": "/absent"}), None, "unable to read certificate-authority /absent"),
        ({**cluster(), "users": [{"name": "u", "user": {"exec": {"command": "x"}}}]}, None, "exec are not supported"),
    ],
)
def test_unusable_configs_say_why(document, context, message):
    with pytest.raises(ConfigError, match=message):
        kubeconfig.choose(document, context)


@pytest.mark.parametrize(("text", "message"), [("a: [", "cannot parse"), ("- a", "is not a kubeconfig")])
def test_unreadable_files_say_why(tmp_path, text, message):
    (tmp_path / "config").write_text(text)
    with pytest.raises(ConfigError, match=message):
        kubeconfig.load(tmp_path / "config")


def test_no_file_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"\.kube/config"):
        kubeconfig.load()


def test_a_pod_finds_its_cluster(tmp_path):
    for name, content in (("ca.crt", "CA"), ("token", "T"), ("namespace", "ns")):
        (tmp_path / name).write_text(content)
    found = kubeconfig.in_cluster({"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)
    assert found.server == "https://10.96.0.1:443"
    assert (found.ca, found.namespace, found.token_file) == (b"CA", "ns", str(tmp_path / "token"))
    with pytest.raises(ConfigError, match="KUBERNETES_SERVICE_HOST"):
        kubeconfig.in_cluster({}, tmp_path)


def test_inline_data_is_base64():
    entry = kubeconfig.document("a", FULL)["clusters"][0]["cluster"]
    assert base64.b64decode(entry["certificate-authority-data"]) == b"CA"
    assert os.sep not in entry["certificate-authority-data"]
