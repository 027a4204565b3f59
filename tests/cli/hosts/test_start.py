"""What `up` decides before it boots anything: the cluster's kind, its store, and who boots first."""

import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from pynetes.cli import cluster, storeurl
from pynetes.cli.hosts import places, plan, record, start
from pynetes.cli.hosts.plan import Host, HostError, Plan
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError, check_role

MACHINE = Settings("machine", "203.0.113.10", role="hosts")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data", tmp_path / "run")
    made.make()
    return made


@pytest.mark.parametrize(
    ("masters", "nodes", "hosts"),
    [(None, None, False), (1, 1, False), (None, 1, False), (None, 3, True), (3, None, True), (1, 0, True)],
)
def test_more_than_one_of_either_are_hosts(layout: Layout, masters: int | None, nodes: int | None, hosts: bool) -> None:
    assert start.wanted(layout, masters, nodes) is hosts


def test_a_cluster_of_hosts_stays_one(layout: Layout) -> None:
    record.save(layout, plan.grow(Plan(), masters=1, nodes=2))
    assert start.wanted(layout, None, None)


def test_the_record_is_read_as_it_was_written(layout: Layout) -> None:
    assert record.load(layout) is None
    made = plan.grow(Plan("10.1.2.0/24"), masters=3, nodes=3)
    record.save(layout, made)
    assert record.load(layout) == made


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"cidr": "10.0.0.0/24", "hosts": [{"name": "x", "role": "node", "address": "10.0.0.2"}]}']
)
def test_a_damaged_record_is_told_in_plain_words(layout: Layout, text: str) -> None:
    record.path(layout).write_text(text)
    with pytest.raises(HostError, match=r"hosts.json is damaged .*pynetes purge"):
        record.load(layout)


@pytest.mark.parametrize(
    ("given", "masters", "identity"),
    [(None, 1, "sqlite:"), (None, 3, "etcd:"), ("etcd:", 1, "etcd:"), ("postgres://u:p@db/k", 3, "postgres://db/k")],
)
def test_several_masters_have_an_etcd_of_their_own_unless_told_otherwise(
    layout: Layout, given: str | None, masters: int, identity: str
) -> None:
    assert identity in start.choose_store(layout, given, masters).identity.replace("u@", "").replace(":5432", "")


def test_several_masters_cannot_share_a_file(layout: Layout) -> None:
    with pytest.raises(HostError, match="3 masters cannot share sqlite:, a file that one API server has to itself"):
        start.choose_store(layout, "sqlite:", 3)


def test_a_cluster_that_began_with_one_master_keeps_its_store(layout: Layout) -> None:
    MACHINE.save(layout.settings)
    storeurl.save(layout, storeurl.parse("sqlite:"))
    with pytest.raises(HostError, match="3 masters cannot share sqlite:"):
        start.choose_store(layout, None, 3)


def test_one_command_changes_hosts_at_a_time(layout: Layout) -> None:
    held, release = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        with record.locked(layout):
            os.write(held[1], b"+")
            os.read(release[0], 1)
        os._exit(0)
    os.read(held[0], 1)
    with pytest.raises(HostError, match="another command changes this cluster's hosts"), record.locked(layout):
        pass
    os.write(release[1], b"+")
    os.waitpid(pid, 0)
    with record.locked(layout):
        pass
    for descriptor in (*held, *release):
        os.close(descriptor)


def test_a_fork_does_not_keep_the_lock(layout: Layout) -> None:
    with record.locked(layout):
        pid = os.fork()
        if pid == 0:
            signal.pause()
    with record.locked(layout):
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def joined(layout: Layout, *names: str) -> None:
    for name in names:
        there = places.of(layout, name).layout
        there.data.mkdir(parents=True)
        there.settings.write_text("{}")


@pytest.mark.parametrize(
    ("known", "off", "first", "then"),
    [
        ((), "123", "1", "23"),  # a new cluster: one makes it, the others join
        (("1",), "23", "", "23"),  # as many more as are asked for
        (("1", "2", "3"), "123", "123", ""),  # after a power cut all boot together
        (("1", "2"), "123", "12", "3"),
        (("1", "2", "3"), "2", "2", ""),
        (("2", "3"), "1", "", "1"),  # master-1 was removed, and is wanted again
    ],
)
def test_masters_boot_in_turn(layout: Layout, known: tuple[str, ...], off: str, first: str, then: str) -> None:
    hosts = plan.grow(Plan(), masters=3, nodes=1)
    joined(layout, *(f"master-{number}" for number in known))
    masters = [host for host in hosts.of("master") if host.name[-1] in off]
    alone, join = start.in_turn(layout, hosts, masters)
    assert ["".join(host.name[-1] for host in group) for group in (alone, join)] == [first, then]


@pytest.mark.parametrize(
    ("existing", "role", "problem"),
    [
        ("hosts", "all", "has a cluster of several hosts"),
        ("hosts", "agent", "has a cluster of several hosts"),
        ("all", "hosts", "has a cluster of its own"),
        ("agent", "hosts", "is a node of another machine's cluster"),
    ],
)
def test_hosts_and_other_clusters_do_not_mix(existing: str, role: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"this machine {problem}; it is free .* after `pynetes purge`"):
        check_role(replace(MACHINE, role=existing), role)


@pytest.mark.parametrize(
    ("text", "addresses", "names"),
    [
        ("", [], []),
        ("203.0.113.10,machine", ["203.0.113.10"], ["machine"]),
        ("machine, 2001:db8::1 ,198.18.53.2,master-1,127.0.0.1,localhost,machine", ["2001:db8::1"], ["machine"]),
    ],
)
def test_further_names_of_the_api_server_are_told_apart_from_addresses(
    text: str, addresses: list[str], names: list[str]
) -> None:
    assert cluster.extra_sans(Settings("master-1", "198.18.53.2", extra_sans=text)) == (addresses, names)


def test_files_of_a_host_are_found_from_the_machine() -> None:
    own = places.of(Layout(Path("/var/lib/pynetes"), Path("/run/pynetes")), Host("node-1", "node", "192.0.2.1").name)
    assert own.layout.settings == Path("/var/lib/pynetes/hosts/node-1/var/lib/pynetes/settings.json")
    assert own.power == Path("/run/pynetes/hosts/node-1.json")
