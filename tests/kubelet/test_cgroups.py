"""What pods' cgroups are called and set to; real ones on this machine."""

import os
import secrets
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pynetes.kubelet.cgroup_files import CgroupV1, CgroupV2, Limits, detect, quota, shares, weight
from pynetes.kubelet.cgroups import PodCgroups, pod_limits

UID = "0b1c-2d"


def pod(requests: Any = None, limits: Any = None, *more: Any) -> dict[str, Any]:
    own = {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}}
    return {"metadata": {"uid": UID}, "spec": {"containers": [own, *more]}}


GUARANTEED = {"cpu": "500m", "memory": "64Mi"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pod(), Limits(cpu_shares=2)),
        (pod(GUARANTEED, GUARANTEED), Limits(cpu_shares=512, cpu_quota=50_000, memory=64 << 20)),
        (pod({"cpu": "2"}), Limits(cpu_shares=2048, cpu_quota=-1, memory=-1)),
        (pod({"cpu": "1m"}, {"cpu": "1m"}), Limits(cpu_shares=2, cpu_quota=1000, memory=-1)),
        (
            pod({"cpu": "1"}, {"cpu": "1", "memory": "1Gi"}, {"name": "unbounded"}),
            Limits(cpu_shares=1024, cpu_quota=-1, memory=-1),
        ),
    ],
)
def test_limits_follow_the_qos_class(found: dict[str, Any], expected: Limits) -> None:
    assert pod_limits(found) == expected


def test_options_of_the_kubelet() -> None:
    found = pod_limits(pod(GUARANTEED, GUARANTEED), pids_limit=100, cpu_cfs_quota=False)
    assert (found.pids, found.cpu_quota) == (100, -1)


def test_conversions() -> None:
    assert [shares(m) for m in (0, 1, 1000, 10**9)] == [2, 2, 1024, 262144]
    assert [quota(m) for m in (0, 1, 250)] == [-1, 1000, 25000]
    assert [weight(s) for s in (2, 1024, 262144)] == [1, 39, 10000]


@pytest.mark.parametrize(
    ("root", "driver", "found", "parent", "path"),
    [
        ("/", "cgroupfs", pod(), f"/kubepods/besteffort/pod{UID}", f"kubepods/besteffort/pod{UID}"),
        (
            "/node-1",
            "cgroupfs",
            pod({"cpu": "1"}),
            f"/node-1/kubepods/burstable/pod{UID}",
            f"node-1/kubepods/burstable/pod{UID}",
        ),
        ("/", "cgroupfs", pod(GUARANTEED, GUARANTEED), f"/kubepods/pod{UID}", f"kubepods/pod{UID}"),
        (
            "/",
            "systemd",
            pod(),
            "kubepods-besteffort-pod0b1c_2d.slice",
            "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0b1c_2d.slice",
        ),
    ],
)
def test_names(root: str, driver: str, found: dict[str, Any], parent: str, path: str) -> None:
    cgroups = PodCgroups(root, driver)
    assert (cgroups.parent(found), cgroups.path(found)) == (parent, path)


@pytest.fixture
async def cgroups() -> AsyncIterator[PodCgroups]:
    found = PodCgroups(f"/pynetes-test-{secrets.token_hex(4)}")
    yield found
    await found.remove_all()
    assert not found._files.exists(found.root.strip("/"))


def value(cgroups: PodCgroups, path: str, v1: str, v2: str) -> str:
    """A setting as the kernel has it."""
    name = f"{v1.split('.')[0]}/{path}/{v1}" if cgroups.version == 1 else f"{path}/{v2}"
    return Path("/sys/fs/cgroup", name).read_text().strip()


@pytest.mark.root
async def test_a_pods_cgroup_has_its_limits_and_goes_away(cgroups: PodCgroups) -> None:
    cgroups.setup()
    found = pod(GUARANTEED, GUARANTEED)
    parent = cgroups.ensure(found)
    assert parent == f"{cgroups.root}/kubepods/pod{UID}"
    path = cgroups.path(found)
    assert value(cgroups, path, "memory.limit_in_bytes", "memory.max") == str(64 << 20)
    assert value(cgroups, path, "cpu.shares", "cpu.weight") == ("512" if cgroups.version == 1 else "20")
    assert cgroups.uids() == {UID}
    await cgroups.remove(UID)
    await cgroups.remove(UID)
    assert cgroups.uids() == set()


@pytest.mark.root
async def test_changed_resources_are_applied_and_leftovers_made_again(cgroups: PodCgroups) -> None:
    cgroups.setup()
    cgroups.ensure(pod({"cpu": "1"}, {"memory": "64Mi"}))
    changed = pod({"cpu": "1"}, {"memory": "128Mi"})
    cgroups.ensure(changed)
    path = cgroups.path(changed)
    assert value(cgroups, path, "memory.limit_in_bytes", "memory.max") == str(128 << 20)
    detect().remove(path)
    cgroups.ensure(changed)
    assert value(cgroups, path, "memory.limit_in_bytes", "memory.max") == str(128 << 20)


@pytest.mark.root
async def test_the_burstable_class_weighs_as_much_as_its_pods_ask_for(cgroups: PodCgroups) -> None:
    cgroups.setup()
    base = f"{cgroups.root.strip('/')}/kubepods/burstable"
    cgroups.ensure(pod({"cpu": "1"}))
    other = pod({"cpu": "500m"})
    other["metadata"] = {"uid": "other"}
    cgroups.ensure(other)
    assert value(cgroups, base, "cpu.shares", "cpu.weight") == ("1536" if cgroups.version == 1 else "59")
    await cgroups.remove(UID)
    assert value(cgroups, base, "cpu.shares", "cpu.weight") == ("512" if cgroups.version == 1 else "20")


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"])


@pytest.mark.root
async def test_processes_left_in_a_cgroup_are_killed(cgroups: PodCgroups) -> None:
    cgroups.setup()
    found = pod()
    cgroups.ensure(found)
    base = Path("/sys/fs/cgroup", "memory" if cgroups.version == 1 else "", cgroups.path(found))
    inner = base / "container"
    inner.mkdir()
    with sleeper() as process:
        (inner / "cgroup.procs").write_text(str(process.pid))
        await cgroups.remove(UID)
        assert process.wait(60) == -9
    assert cgroups.uids() == set()


@pytest.mark.root
def test_version_2_kills_and_removes() -> None:
    """On the unified hierarchy, also where version 1 rules (then without controllers)."""
    mount = next(m for m in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")) if (m / "cgroup.procs").exists())
    files = CgroupV2(mount)
    path = f"pynetes-test-{secrets.token_hex(4)}/pod"
    files.create(path)
    with subprocess.Popen(["sleep", "600"]) as process:
        (mount / path / "cgroup.procs").write_text(str(process.pid))
        assert files.kill(path) == 1
        assert process.wait(60) == -9
    assert files.children(path.split("/")[0]) == {"pod"}
    assert files.remove(path.split("/")[0])
    assert not files.exists(path)


def test_version_2_writes_its_own_names(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (tmp_path / "cgroup.subtree_control").write_text("memory")
    files = detect(tmp_path)
    assert files.version == 2
    files.create("kubepods/pod1")
    files.apply("kubepods/pod1", Limits(1024, 50_000, 100_000, -1, 10, {"2MB": 0}))
    found = {p.name: p.read_text() for p in (tmp_path / "kubepods/pod1").iterdir()}
    assert found == {
        "cpu.weight": "39",
        "cpu.max": "50000 100000",
        "memory.max": "max",
        "pids.max": "10",
        "hugetlb.2MB.max": "0",
    }
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+pids", "the last of those that were missing"


def test_version_1_writes_every_tree(tmp_path: Path) -> None:
    for tree in ("cpu", "memory", "pids"):
        (tmp_path / tree).mkdir()
    files = detect(tmp_path)
    assert isinstance(files, CgroupV1)
    files.create("kubepods")
    files.apply("kubepods", Limits(cpu_shares=2, cpu_quota=-1, memory=5, pids=-1))
    found = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {
        "cpu/kubepods/cpu.shares": "2",
        "cpu/kubepods/cpu.cfs_quota_us": "-1",
        "memory/kubepods/memory.limit_in_bytes": "5",
        "pids/kubepods/pids.max": "max",
    }
    assert os.path.isdir(tmp_path / "pids/kubepods")
