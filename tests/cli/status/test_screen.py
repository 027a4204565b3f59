"""The whole on one screen of 100 columns and 40 lines."""

from datetime import timedelta

from rich.console import Console

from pynetes.cli.status import screen
from pynetes.cli.status.dns import DNSView
from pynetes.cli.status.leaders import Leader
from pynetes.cli.status.masters import Master
from pynetes.cli.status.nodes import Node
from pynetes.cli.status.pods import Trouble
from pynetes.cli.status.remarks import BAD, WARN, Remark
from pynetes.cli.status.store import Member, StoreView
from pynetes.cli.status.view import View
from pynetes.component import clock


def _node(name: str, *, ready: bool = True, notes: tuple[str, ...] = ()) -> Node:
    message = "" if ready else "Kubelet stopped posting node status."
    return Node(name, ready, message, (), "v1.36.0", "containerd://1.6.20~ds1", ("198.18.53.5",), 12, 110, 3.0, notes)


def _cluster() -> View:
    """Three masters and three nodes."""
    started = clock.now() - timedelta(hours=30)
    names = ["master-1", "master-2", "master-3"]
    view = View(True, server="https://198.18.53.2:6443", version="v1.36.0")
    view.masters = [Master(f"https://198.18.53.{n}:6443", name, True, since=started) for n, name in enumerate(names, 2)]
    leases = ("cloud-controller-manager", "kube-controller-manager", "kube-scheduler")
    view.leaders = [Leader(lease, f"{name}_1", 1.5, 15) for lease, name in zip(leases, names, strict=True)]
    members = [
        Member(name, f"198.18.53.{n}:2379", "leader" if n == 2 else "ready", True, 0, 5 * 2**20)
        for n, name in enumerate(names, 2)
    ]
    view.store = StoreView("etcd", "", 5 * 2**20, 50 * 2**30, 100 * 2**30, 4711, members)
    view.nodes = [_node(f"node-{n}") for n in (1, 2, 3)]
    view.phases = {"Running": 36}
    view.dns = DNSView("10.96.0.10", True, "", 3)
    names = ["apiserver", "containerd", "controller-manager", "etcd", "etcd-keeper", "kubelet", "network", "proxy"]
    view.processes = {name: {"pid": 1, "restarts": 0, "memoryBytes": 50 * 2**20} for name in names}
    return view


def _shown(view: View) -> list[str]:
    console = Console(width=100, record=True, file=open("/dev/null", "w"), color_system=None)  # noqa: SIM115
    with console.file:
        console.print(screen.page(view))
    return console.export_text().splitlines()


def test_a_cluster_of_three_and_three_fits_on_one_screen() -> None:
    lines = _shown(_cluster())
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)
    assert lines[0] == "all is well   3 masters, 3 nodes, Kubernetes v1.36.0"
    text = "\n".join(lines)
    assert "kube-scheduler master-3 (1s ago)" in text
    assert "etcd, 5.0 MiB, revision 4711" in text
    assert "12/110" in text


def test_what_is_wrong_is_said_with_what_to_do() -> None:
    view = _cluster()
    assert view.nodes is not None
    view.nodes = [*view.nodes[:2], _node("node-3", ready=False, notes=("DiskPressure", "cordoned"))]
    view.troubles = [Trouble("default", f"web-{n}", "CrashLoopBackOff", "back-off\n5m " * 9, 60) for n in range(20)]
    view.remarks = [
        Remark(WARN, "pods", "default/web-0 does not run", "kubectl describe pod -n default web-0"),
        Remark(BAD, "nodes", "node-3 is not ready", "see to the machine"),
    ]
    lines = _shown(view)
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("not well: 2 remarks below")
    assert any(line.startswith("node-3  not ready") for line in lines)
    assert "  … and 12 more: kubectl get pods -A" in lines
    assert lines.index("● nodes: node-3 is not ready") < lines.index("● pods: default/web-0 does not run")
    assert "    → see to the machine" in lines


def test_many_nodes_are_cut_to_those_that_are_not_well() -> None:
    view = _cluster()
    view.nodes = [_node(f"node-{n}", ready=n != 77) for n in range(100)]
    lines = _shown(view)
    assert any(line.startswith("node-77  not ready") for line in lines)
    assert "… and 88 more" in lines


def test_a_dead_cluster_shows_what_there_is() -> None:
    view = View(True, server="https://198.18.53.2:6443")
    view.masters = [Master("https://198.18.53.2:6443", "m1", message="refused [111]")]
    view.store = StoreView("sqlite", "/state.db", None)
    view.dns = DNSView("10.96.0.10", False)
    view.processes = {"apiserver": {"pid": 0, "restarts": 3, "memoryBytes": 0}}
    text = "\n".join(_shown(view))
    assert "not ready         refused [111]" in text
    assert "apiserver does not run 3 restarts" in text
    assert "cannot be asked from here" in text


def test_no_cluster() -> None:
    assert _shown(View(False)) == ["No cluster runs. `pynetes up` makes one."]
    assert _shown(View(False, "/var/lib/pynetes")) == ["No cluster runs. `pynetes up` starts it."]


def test_sizes() -> None:
    assert [screen._bytes(n) for n in (0, 900, 2048, 5 * 2**20, 3 * 2**40)] == [
        "0 B",
        "900 B",
        "2.0 KiB",
        "5.0 MiB",
        "3.0 TiB",
    ]
