"""Settings are chosen once, kept for the next start, and fit several clusters on one kernel."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from pynetes.cli import cluster, preflight, settings
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


def test_the_addresses_of_api_and_dns_follow_the_range_of_services(layout: Layout) -> None:
    chosen = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "service_cidr": "10.50.0.0/16"})
    assert (chosen.service_ip, chosen.dns_ip) == ("10.50.0.1", "10.50.0.10")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"node_name": "A_b"}, "--node-name 'A_b': a lowercase RFC 1123 subdomain"),
        ({"cluster_cidr": "foo"}, "--cluster-cidr 'foo' is no range of IPv4 addresses"),
        ({"service_cidr": "10.96.0.1/12"}, "has host bits set"),
        ({"service_cidr": "10.96.0.0/30"}, "too small: at least a /28"),
        ({"secure_port": 70000}, "--secure-port 70000: must be between 1 and 65535"),
    ],
)
def test_values_that_no_cluster_can_have_are_refused(layout: Layout, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1"} | given)


@pytest.mark.parametrize(
    "given", [{"node_name": "two"}, {"service_cidr": "10.50.0.0/16"}, {"cluster_cidr": "10.60.0.0/16"}]
)
def test_what_objects_rest_on_stays_until_purge(layout: Layout, given: dict[str, Any]) -> None:
    settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1"}).save(layout.settings)
    with pytest.raises(SettingsError, match=r"this cluster's .* is .*; another is free after `pynetes purge`"):
        settings.choose(layout, {"node_ip": "127.0.0.1"} | given)


def test_an_address_the_machine_does_not_have_is_told_apart_from_a_taken_port() -> None:
    (foreign,) = preflight.check_ports([("the kubelet", "192.0.2.1", 10250)])
    assert "--node-ip" in foreign.remedy
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (problem,) = preflight.check_ports([("the kubelet", "127.0.0.1", taken.getsockname()[1])])
    assert "ss -ltnp" in problem.remedy


def test_a_machine_keeps_its_address_while_it_has_it(layout: Layout) -> None:
    first = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1"})
    first.save(layout.settings)
    assert settings.choose(layout, {}).node_ip == "127.0.0.1"
    replace(first, node_ip="192.0.2.77").save(layout.settings)
    assert settings.choose(layout, {}).node_ip == settings.default_node_ip()


def test_etcds_members_are_known_by_their_addresses(layout: Layout) -> None:
    first = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1", "store": "etcd:"})
    first.save(layout.settings)
    with pytest.raises(SettingsError, match=r"know this one as 127\.0\.0\.1"):
        settings.choose(layout, {"node_ip": "127.0.0.2"})
    replace(first, node_ip="192.0.2.77").save(layout.settings)
    with pytest.raises(SettingsError, match=r"no longer has the address 192\.0\.2\.77"):
        settings.choose(layout, {})


def test_a_disk_that_is_four_fifths_full_is_no_pressure(layout: Layout) -> None:
    chosen = settings.choose(layout, {"node_name": "one", "node_ip": "127.0.0.1"})
    hard = cluster.kubelet_config(layout, chosen).eviction_hard
    assert (hard["nodefs.available"], hard["imagefs.available"]) == ("5%", "5%")
    assert hard["memory.available"] == "100Mi"
