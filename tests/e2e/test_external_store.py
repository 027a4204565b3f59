"""Two control planes on an etcd that is somebody else's, and one on SQLite that stays alone."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from pynetes.testing.netns import NetworkNamespace
from tests.e2e.cluster import Machine, until
from tests.e2e.links import Link

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

FIRST, SECOND, STORE = "198.51.100.1", "198.51.100.2", "198.51.100.7"
URL = f"etcd://{STORE}:2379"


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine, NetworkNamespace]]:
    """Two masters, and the host of their store, which outlives them: without it they would end only by giving up."""
    link = Link()
    first, second, store = Machine(), Machine(), NetworkNamespace("store")
    try:
        link.plug(first.host, "first", FIRST)
        link.plug(second.host, "second", SECOND)
        link.plug(store, "store", STORE)
        yield first, second, store
    finally:
        second.close()
        first.close()
        store.close()
        link.close()


def server(machine: Machine, options: str) -> str:
    """What is said when it does not start."""
    done = machine.pynetes("server", options, check=False)
    assert "Traceback" not in done.stderr
    return done.stderr if done.returncode else ""


def join_flags(machine: Machine) -> str:
    printed = machine.pynetes("token create", "--control-plane").stdout
    match = re.search(r"pynetes server (.*)", printed)
    assert match, printed
    return match[1]


def test_an_external_store_is_shared(machines: tuple[Machine, Machine, NetworkNamespace]) -> None:
    first, second, store = machines
    refused = server(first, f"--store {URL} --node-name first --node-ip {FIRST}")
    assert f"--store {URL} cannot be used" in refused
    assert refused.count("\n") == 1
    assert not first.data.exists()
    start_etcd(store, first)
    assert server(first, f"--store {URL} --node-name first --node-ip {FIRST}") == ""
    assert "this cluster's store is" in server(first, "--store etcd:")
    assert server(second, f"{join_flags(first)} --node-name second --node-ip {SECOND}") == ""
    assert (second.data / "store.url").read_text() == f"{URL}\n"
    assert not (second.data / "pki" / "etcd").exists()
    first.kubectl("create configmap shared")
    assert second.get("configmap shared")["metadata"]["name"] == "shared"
    until(lambda: addresses(second) == [FIRST, SECOND])
    first.pynetes("down")
    assert addresses(second) == [SECOND]
    assert server(first, "") == ""
    until(lambda: addresses(second) == [FIRST, SECOND])


def start_etcd(store: NetworkNamespace, near: Machine) -> None:
    store.start(
        "etcd", f"--data-dir={near.directory}/external", "--log-level=error",
        f"--listen-client-urls=http://{STORE}:2379", f"--advertise-client-urls=http://{STORE}:2379",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until(lambda: store.run(f"curl -s http://{STORE}:2379/health", check=False).stdout)


def addresses(machine: Machine) -> list[str]:
    found = machine.get("endpoints kubernetes")
    return [address["ip"] for subset in found.get("subsets", ()) for address in subset["addresses"]]


def test_sqlite_has_one_control_plane(machines: tuple[Machine, Machine, NetworkNamespace]) -> None:
    first, second, _ = machines
    made = first.pynetes("server", f"--node-name first --node-ip {FIRST}")
    assert "with `--store etcd:` it could have several" in made.stdout
    match = re.search(r"pynetes agent (.*)", made.stdout)
    assert match
    refused = server(second, f"{match[1]} --certificate-key {'00' * 32} --node-name second --node-ip {SECOND}")
    assert "keeps its state in SQLite, a file that one API server has to itself" in refused
    assert "--store etcd:" in refused
    assert not second.data.exists()
    assert "SQLite" in first.pynetes("token create", "--control-plane", check=False).stderr
