"""A host runs what its user would type on a machine of its own: options that the commands know, and no more."""

from typing import Any

import pytest
from msgspec.structs import replace

from pynetes.cli import main
from pynetes.cli.hosts import commands
from pynetes.cli.hosts.commands import Join
from pynetes.cli.hosts.plan import Host
from pynetes.cli.settings import Settings

MACHINE = Settings("machine", "203.0.113.10", cgroup_root="/pynetes", role="hosts", node_monitor_grace_period=16.0)
NODE, MASTER = Host("node-1", "node", "198.18.53.3"), Host("master-2", "master", "198.18.53.4")
JOIN = Join("https://198.18.53.2:6443", "abcdef.0123456789abcdef", ("sha256:1", "sha256:2"))


def parsed(arguments: list[str]) -> dict[str, Any]:
    """What the command makes of them; an unknown option is an error."""
    command = main.main.get_command(None, arguments[0])  # type: ignore[arg-type]
    assert command is not None
    given = command.make_context("pynetes", arguments[1:], resilient_parsing=False).params
    return {key: value for key, value in given.items() if value not in (None, (), False)}


def test_a_node_joins_under_its_own_name_address_and_cgroups() -> None:
    given = parsed(commands.arguments(NODE, MACHINE, JOIN))
    assert given["server"] == "https://198.18.53.2:6443"
    assert given["token"] == "abcdef.0123456789abcdef"
    assert given["hashes"] == ("sha256:1", "sha256:2")
    assert (given["node_name"], given["node_ip"]) == ("node-1", "198.18.53.3")
    assert given["cgroup_root"] == "/pynetes/node-1"


def test_a_host_that_has_joined_needs_no_token() -> None:
    given = parsed(commands.arguments(NODE, MACHINE))
    assert not {"server", "token", "hashes"} & given.keys()


def test_the_first_master_is_told_the_store_and_stands_for_the_machines_address() -> None:
    given = parsed(commands.arguments(replace(MASTER, name="master-1"), MACHINE, store="etcd:"))
    assert given["store"] == "etcd:"
    assert given["extra_sans"] == "203.0.113.10,machine"
    assert given["node_monitor_grace_period"] == 16.0
    assert "merge" not in given  # the user's kubeconfig is the machine's business


def test_a_further_master_brings_the_certificate_key() -> None:
    given = parsed(commands.arguments(MASTER, MACHINE, replace(JOIN, certificate_key="ab" * 32)))
    assert given["certificate_key"] == "ab" * 32
    assert given["token"] == "abcdef.0123456789abcdef"
    assert "store" not in given


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"secure_port": 7443}, {"secure_port": 7443}),
        ({"cluster_cidr": "10.50.0.0/16"}, {"cluster_cidr": "10.50.0.0/16"}),
        ({"service_cidr": "10.60.0.0/16"}, {"service_cidr": "10.60.0.0/16"}),
        ({"load_balancer_pool": "198.18.53.200-198.18.53.210"}, {"load_balancer_pool": "198.18.53.200-198.18.53.210"}),
        ({"scheduler_port": 0}, {"scheduler_port": 0}),
        ({"verbosity": 4}, {"verbosity": 4}),
        ({"encryption_provider_config": __file__}, {"encryption_provider_config": __file__}),
        (
            {"encryption_provider_config_automatic_reload": True},
            {"encryption_provider_config_automatic_reload": True},
        ),
    ],
)
def test_what_up_was_given_reaches_the_masters(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    arguments = commands.arguments(MASTER, replace(MACHINE, **changes))
    given = main.main.get_command(None, "server").make_context("pynetes", arguments[1:]).params  # type: ignore
    assert {key: given[key] for key in expected} == expected
