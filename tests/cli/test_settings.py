"""Settings are chosen once, kept for the next start, and fit several clusters on one kernel."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from pynetes.cli import cluster, settings
from pynetes.cli.layout import Layout
from pynetes.cli.settings import SettingsError


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data", tmp_path / "run")
    made.make()
    return made


def test_a_later_start_keeps_what_the_first_was_given(layout: Layout) -> None:
    first = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "cgroup_root": "/second"})
    first.save(layout.settings)
    again = settings.choose(layout, {"node_ip": "127.0.0.1", "cgroup_root": None})
    assert again == first


def test_pods_cgroups_are_below_the_root_that_was_chosen(layout: Layout) -> None:
    chosen = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "cgroup_root": "second/"})
    assert cluster.kubelet_config(layout, chosen).cgroup_root == "/second"
    default = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1"})
    assert cluster.kubelet_config(layout, default).cgroup_root == "/pynetes"


@pytest.mark.parametrize("root", ["/", "///", "/a/../..", "./"])
def test_a_cgroup_root_that_down_could_not_remove_safely_is_refused(layout: Layout, root: str) -> None:
    with pytest.raises(SettingsError, match="--cgroup-root"):
        settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "cgroup_root": root})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"node_name": "on', "Unterminated string"),
        ("", "Expecting value"),
        ("[]", "not an object"),
        ('{"node_name": "one"}', "node_ip is missing"),
        ('{"node_name": "one", "node_ip": "127.0.0.1", "secure_port": "high"}', "secure_port is 'high'"),
    ],
)
def test_damaged_settings_are_told_in_plain_words(layout: Layout, text: str, problem: str) -> None:
    layout.settings.write_text(text)
    with pytest.raises(SettingsError, match=f"settings.json is damaged .*{problem}.*pynetes purge"):
        settings.load(layout)


def test_a_running_cluster_is_known_though_its_settings_on_disk_are_damaged(layout: Layout) -> None:
    assert settings.of_running(layout) is None
    running = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "cgroup_root": "/second"})
    layout.supervisor_state.write_text(json.dumps({"settings": asdict(running), "processes": {}}))
    layout.settings.write_text("{")
    assert settings.of_running(layout) == running
