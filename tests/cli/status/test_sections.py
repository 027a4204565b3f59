"""Each section's data and remarks from what was seen, by table."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pynetes.apimachinery.times import format_micro_time, format_time
from pynetes.cli.layout import Layout
from pynetes.cli.status import certs, dns, hosts, leaders, machine, masters, nodes, pods, store
from pynetes.cli.status.certs import Certificate
from pynetes.cli.status.masters import Master
from pynetes.cli.status.remarks import BAD, OK, WARN, Remark, without_echoes, worst
from pynetes.cli.status.store import Member, StoreView

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
GIB = 2**30


def ago(seconds: float) -> str:
    return format_time(NOW - timedelta(seconds=seconds))


def whats(remarks: list[Remark]) -> list[tuple[str, str]]:
    return [(remark.level, remark.what) for remark in remarks]


# --- masters


def test_masters_are_those_behind_the_service() -> None:
    ports = [{"name": "https", "port": 6443}, {"name": "other", "port": 1}]
    slices = [{"ports": ports, "endpoints": [{"addresses": ["192.0.2.2"]}, {"addresses": ["fd00::1"]}]}]
    assert masters.addresses(slices) == ["https://192.0.2.2:6443", "https://[fd00::1]:6443"]
    assert masters.host_of("https://[fd00::1]:6443") == "fd00::1"


def test_why_a_master_is_not_ready() -> None:
    text = "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/rbac failed\nreadyz check failed\n"
    assert masters.not_ready(500, text) == "not ready: etcd, poststarthook/rbac"
    assert masters.not_ready(403, "Forbidden") == "/readyz answers 403"


def test_one_dead_master_and_all_dead() -> None:
    up, down = Master("https://192.0.2.1:6443", "m1", True), Master("https://192.0.2.2:6443", "m2", message="refused")
    assert masters.remarks([up]) == []
    assert whats(masters.remarks([up, down])) == [(BAD, "m2: refused")]
    assert whats(masters.remarks([down])) == [(BAD, "no API server answers (refused)")]
    waits = Master("https://192.0.2.1:6443", "m1", message="not ready: etcd")
    (remark,) = masters.remarks([down, waits])
    assert (remark.what, remark.remedy) == (
        "no API server is ready (not ready: etcd)",
        "it waits for the store: see to that first",
    )


# --- leaders


def _lease(name: str, holder: str, seconds: float, **spec: Any) -> dict[str, Any]:
    renewed = format_micro_time(NOW - timedelta(seconds=seconds))
    return {
        "metadata": {"name": name},
        "spec": {
            "holderIdentity": holder,
            "renewTime": renewed,
            "leaseDurationSeconds": 15,
            "leaseTransitions": 1,
            **spec,
        },
    }


def test_leaders_and_how_old_their_leases_are() -> None:
    identity = {"metadata": {"name": "apiserver-abc"}, "spec": {"holderIdentity": "apiserver-abc_1"}}
    found = leaders.leaders(
        [_lease("kube-scheduler", "m2_x-y", 2), _lease("kube-controller-manager", "m1_a", 1), identity], NOW
    )
    assert [(each.lease, each.host, each.age, each.leads) for each in found] == [
        ("kube-controller-manager", "m1", 1.0, True),
        ("kube-scheduler", "m2", 2.0, True),
    ]
    assert leaders.remarks(found) == []


def test_a_lease_that_nobody_renews_and_one_that_nobody_holds() -> None:
    found = leaders.leaders([_lease("kube-scheduler", "m2_x", 60), _lease("kube-controller-manager", "", 1)], NOW)
    assert whats(leaders.remarks(found)) == [
        (BAD, "nobody leads as kube-controller-manager"),
        (BAD, "kube-scheduler on m2 does not renew its lease (last 60s ago)"),
    ]
    assert whats(leaders.remarks([])) == [
        (BAD, "kube-controller-manager has never led"),
        (BAD, "kube-scheduler has never led"),
    ]


def test_a_clock_ahead_makes_no_negative_age() -> None:
    assert leaders.leaders([_lease("kube-scheduler", "m2_x", -5)], NOW)[0].age == 0


# --- nodes


def _node(name: str, *, ready: str = "True", **changes: Any) -> dict[str, Any]:
    conditions = [
        {"type": "Ready", "status": ready, "message": "why", "lastHeartbeatTime": ago(120)},
        *changes.pop("conditions", ()),
    ]
    status = {
        "conditions": conditions,
        "nodeInfo": {"kubeletVersion": "v1.36.0", "containerRuntimeVersion": "containerd://1.6.20"},
        "addresses": [{"type": "InternalIP", "address": "192.0.2.7"}, {"type": "Hostname", "address": name}],
        "allocatable": {"pods": "110"},
    }
    return {"metadata": {"name": name, "labels": changes.pop("labels", {})}, "spec": changes, "status": status}


def _on(node: str, phase: str = "Running") -> dict[str, Any]:
    return {"spec": {"nodeName": node}, "status": {"phase": phase}}


def test_a_node_with_its_pods_and_its_last_heartbeat() -> None:
    lease = {"metadata": {"name": "n1"}, "spec": {"renewTime": ago(3)}}
    labels = {"node-role.kubernetes.io/control-plane": ""}
    running = [_on("n1"), _on("n1", "Succeeded"), _on("n1", "Pending"), _on("n2")]
    (found,) = nodes.nodes([_node("n1", labels=labels)], running, {"n1": lease}, NOW)
    assert (found.ready, found.roles, found.version, found.addresses) == (
        True,
        ("control-plane",),
        "v1.36.0",
        ("192.0.2.7",),
    )
    assert (found.pods, found.capacity, found.heartbeat, found.notes) == (2, 110, 3.0, ())
    assert nodes.remarks([found]) == []


def test_what_is_wrong_with_nodes() -> None:
    pressure = {"type": "DiskPressure", "status": "True"}
    taints = [
        {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
        {"key": "example.com/gpu", "effect": "NoExecute"},
    ]
    full = _node("full", conditions=[pressure], unschedulable=True, taints=taints)
    silent = _node("silent", ready="Unknown")
    found = nodes.nodes([full, silent], [], {}, NOW)
    assert found[0].notes == ("cordoned", "DiskPressure", "gpu:NoExecute")
    assert whats(nodes.remarks(found)) == [
        (WARN, "full is cordoned: it takes no new pods"),
        (BAD, "full: DiskPressure"),
        (BAD, "silent is not ready, silent for 2m: why"),
    ]
    assert whats(nodes.remarks([])) == [(WARN, "there are no nodes yet")]


# --- pods


def _pod(name: str, namespace: str = "default", *, seconds: float = 300, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": ago(seconds)}
    return {"metadata": metadata, "status": {"phase": "Running", **status}}


READY = [{"type": "Ready", "status": "True"}]
UNREADY = [{"type": "Ready", "status": "False", "message": "containers with unready status: [c]"}]
UNSCHEDULED = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]


def _waiting(reason: str) -> list[dict[str, Any]]:
    return [{"name": "c", "state": {"waiting": {"reason": reason, "message": "text"}}}]


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (_pod("a", conditions=READY), None),
        (_pod("a", phase="Succeeded"), None),
        (_pod("a", conditions=UNREADY), "NotReady"),
        (_pod("a", conditions=UNREADY, seconds=5), None),
        (_pod("a", phase="Pending", conditions=UNSCHEDULED), "Unschedulable"),
        (_pod("a", phase="Pending", conditions=UNSCHEDULED, seconds=5), "Unschedulable"),
        (_pod("a", phase="Pending", containerStatuses=_waiting("ContainerCreating")), "ContainerCreating"),
        (_pod("a", phase="Pending", containerStatuses=_waiting("ContainerCreating"), seconds=5), None),
        (_pod("a", phase="Pending", containerStatuses=_waiting("ErrImagePull"), seconds=5), "ErrImagePull"),
        (_pod("a", conditions=UNREADY, containerStatuses=_waiting("CrashLoopBackOff")), "CrashLoopBackOff"),
        (_pod("a", phase="Failed", reason="Evicted"), "Evicted"),
        (_pod("a", phase="Failed", containerStatuses=[{"state": {"terminated": {"exitCode": 3}}}]), "ExitCode:3"),
        (_pod("a", phase="Failed"), "Failed"),
        (_pod("a", phase="Unknown"), "Unknown"),
    ],
)
def test_pods_that_do_not_work(pod: dict[str, Any], reason: str | None) -> None:
    assert [each.reason for each in pods.troubles([pod], NOW)] == ([reason] if reason else [])


def test_a_pod_that_goes_is_no_trouble_until_it_is_overdue() -> None:
    pod = _pod("a", conditions=UNREADY)
    pod["metadata"]["deletionTimestamp"] = ago(-30)
    assert pods.troubles([pod], NOW) == []
    pod["metadata"]["deletionTimestamp"] = ago(90)
    assert [each.reason for each in pods.troubles([pod], NOW)] == ["Terminating"]


def test_system_pods_come_first_and_weigh_more() -> None:
    failed = {"phase": "Failed", "reason": "Evicted"}
    found = pods.troubles([_pod("a", **failed), _pod("z", "kube-system", **failed), _pod("b", **failed)], NOW)
    assert [(each.namespace, each.name) for each in found] == [("kube-system", "z"), ("default", "a"), ("default", "b")]
    assert whats(pods.remarks(found)) == [
        (BAD, "kube-system/z does not run (Evicted)"),
        (WARN, "default/a and 1 more do not run (Evicted)"),
    ]
    assert pods.phases([_pod("a"), _pod("b"), _pod("c", phase="Pending")]) == {"Pending": 1, "Running": 2}


# --- store


def _members(*healthy: bool, **changes: Any) -> list[Member]:
    return [
        Member(f"m{n}", f"192.0.2.{n}:2379", "ready" if ok else "refused", ok, **changes)
        for n, ok in enumerate(healthy, 1)
    ]


def test_members_that_are_dead_and_how_many_more_may_die() -> None:
    view = StoreView("etcd", "", members=_members(True, True, True))
    assert store.remarks(view) == []
    (remark,) = store.remarks(StoreView("etcd", "", members=_members(True, False, True)))
    assert (remark.level, remark.what) == (BAD, "member m2: refused")
    assert remark.remedy.endswith("`pynetes member remove m2` if it is gone for good; none more may fail")
    (remark,) = store.remarks(StoreView("etcd", "", members=_members(True, False, True, True, True)))
    assert remark.remedy.endswith("one more may fail")


def test_a_store_without_quorum() -> None:
    view = StoreView("etcd", "", members=_members(True, False, False), problem="no leader")
    (remark,) = store.remarks(view)
    assert (remark.what, remark.remedy) == ("etcd does not answer: no leader", "2 of its 3 members must run")


def test_a_full_member_and_one_that_lags() -> None:
    full = StoreView("etcd", "", members=_members(True, alarms=("NOSPACE",)))
    assert whats(store.remarks(full)) == [(BAD, "member m1 is full and takes no writes")]
    late = StoreView("etcd", "", members=_members(True, lag=5000))
    assert whats(store.remarks(late)) == [(WARN, "member m1 is 5000 entries behind")]


@pytest.mark.parametrize(
    ("free", "disk", "level"),
    [
        (50 * GIB, 100 * GIB, OK),
        (2 * GIB, 100 * GIB, OK),  # two percent, yet plenty
        (GIB // 2, 4 * GIB, OK),
        (GIB // 4, 4 * GIB, WARN),
        (GIB // 64, 4 * GIB, BAD),
        (None, None, OK),
    ],
)
def test_disks_that_fill_up(free: int | None, disk: int | None, level: str) -> None:
    assert worst(store.remarks(StoreView("sqlite", "", 1, free, disk))) == level


# --- the rest


@pytest.mark.parametrize(
    ("asked", "servers", "ready", "level"),
    [
        ("", 1, True, OK),
        ("no answer", 1, False, BAD),
        (None, 2, True, OK),
        (None, 0, False, BAD),
        (None, None, False, OK),
    ],
)
def test_dns(asked: str | None, servers: int | None, ready: bool, level: str) -> None:
    view = dns.view("10.96.0.10", asked, servers)
    assert view.ready is ready
    assert worst(dns.remarks(view)) == level


def test_servers_of_the_dns_are_its_ready_endpoints() -> None:
    endpoints = [
        {"addresses": ["192.0.2.1"], "conditions": {"ready": True}},
        {"addresses": ["192.0.2.2"], "conditions": {"ready": False}},
        {"addresses": ["192.0.2.3"]},
    ]
    assert dns.servers([{"endpoints": endpoints}, {"endpoints": None}]) == 2


def test_certificates_that_end_soon() -> None:
    def ends(days: float, **more: Any) -> Certificate:
        return Certificate(f"{days}.crt", NOW + timedelta(days=days), **more)

    found = [ends(31), ends(29), ends(-1), ends(100, authority=True), ends(200, authority=True), ends(5, kept=True)]
    assert [each.path for each in certs.soon(found, NOW)] == ["-1.crt", "5.crt", "29.crt", "100.crt"]
    said = certs.remarks(found, NOW)
    assert whats(said) == [
        (BAD, "-1.crt ended 24h ago"),
        (WARN, "5.crt ends in 5d"),
        (WARN, "29.crt ends in 29d"),
        (WARN, "100.crt ends in 100d"),
    ]
    assert "kubelet renews it" in said[1].remedy
    assert "pynetes up" in said[2].remedy
    assert "authority" in said[3].remedy
    damaged = certs.remarks([Certificate("x.crt", problem="not a PEM file")], NOW)
    assert whats(damaged) == [(BAD, "x.crt cannot be read: not a PEM file")]


def test_hosts_that_are_off_or_cut_off(tmp_path: Path) -> None:
    found = [hosts.Host(f"node-{state}", "node", "198.18.53.4", state, Layout()) for state in ("on", "off", "cut")]
    said = hosts.remarks(found)
    assert whats(said) == [(BAD, "node-off is off"), (BAD, "node-cut is cut off")]
    assert [remark.remedy for remark in said] == ["pynetes node start node-off", "pynetes node mend node-cut"]
    assert hosts.read(Layout(tmp_path, tmp_path)) == []


def test_processes() -> None:
    found = {
        "apiserver": {"pid": 1, "restarts": 0, "lastExit": ""},
        "kubelet": {"pid": 2, "restarts": 3, "lastExit": "exit code 1", "log": "/log"},
        "proxy": {"pid": 0, "restarts": 1, "lastExit": "signal 9", "log": "/log"},
    }
    assert whats(machine.remarks(found)) == [
        (WARN, "kubelet was restarted 3 times (exit code 1)"),
        (BAD, "proxy does not run (signal 9)"),
    ]


def test_what_follows_from_a_machine_that_is_off_is_not_said_again() -> None:
    off, other = Remark(BAD, "hosts", "m1 is off"), Remark(BAD, "nodes", "n1 is not ready", about="n1")
    assert without_echoes([off, Remark(BAD, "masters", "m1: refused", about="m1"), other], {"m1"}) == [off, other]


def test_the_worst_counts() -> None:
    assert worst([]) == OK
    assert worst([Remark(WARN, "a", "b")]) == WARN
    assert worst([Remark(BAD, "a", "b"), Remark(WARN, "a", "b")]) == BAD
