"""A pool of addresses for load balancers: refused when it is none, and what it brings along."""

from pathlib import Path

import pytest

from pynetes.cli import cloud, cluster
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError, choose


@pytest.mark.parametrize("pool", ["everything", "10.0.0.9-10.0.0.1", "10.0.0.1/24", "10.0.0.0/30,10.0.0.1-10.0.0.2"])
def test_a_pool_that_is_none_is_refused(tmp_path: Path, pool: str) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    with pytest.raises(SettingsError, match="--load-balancer-pool"):
        choose(layout, {"node_name": "n1", "node_ip": "192.0.2.1", "load_balancer_pool": pool})


@pytest.mark.parametrize(
    ("role", "wanted"),
    [
        ("all", {"cloud-controller-manager", "announcer"}),
        ("server", {"cloud-controller-manager"}),
        ("agent", {"announcer"}),
    ],
)
def test_processes_for_load_balancers_run_only_with_a_pool(tmp_path: Path, role: str, wanted: set[str]) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    plain = {process.name for process in cluster.processes(layout, Settings("n1", "192.0.2.1", role=role))}
    settings = Settings("n1", "192.0.2.1", role=role, load_balancer_pool="192.0.2.100/30")
    assert {process.name for process in cluster.processes(layout, settings)} - plain == wanted


def test_the_managers_rights_go_to_its_own_user() -> None:
    (_, role), (_, binding) = cloud.rights()
    assert role["metadata"]["name"] == binding["roleRef"]["name"] == "system:cloud-controller-manager"
    assert [subject["name"] for subject in binding["subjects"]] == ["system:cloud-controller-manager"]
    assert not any("secrets" in rule["resources"] or "*" in rule["verbs"] for rule in role["rules"])
