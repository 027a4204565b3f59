import tomllib
from pathlib import Path

import pytest

from pynetes.kubelet.containerd import (
    ContainerdConfig,
    ContainerdError,
    Machine,
    Version,
    containerd_config,
    parse_version,
)
from pynetes.kubelet.pause import IMAGE

SANDBOX = Machine(cap_sys_resource=False, apparmor=False)
FULL = Machine(cap_sys_resource=True, apparmor=True)


def config(tmp_path, **fields):
    return ContainerdConfig(tmp_path / "root", tmp_path / "state", Path("/run/x.sock"), tmp_path / "cni", **fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1", Version(1, 6)),
        ("containerd github.com/containerd/containerd v1.7.24 88bf19b", Version(1, 7)),
        ("containerd github.com/containerd/containerd/v2 v2.1.0-rc.1 abc", Version(2, 1)),
    ],
)
def test_versions_are_read(text, expected):
    assert parse_version(text) == expected


@pytest.mark.parametrize("text", ["containerd 1.5.9", "nothing"])
def test_what_is_too_old_or_unreadable_is_refused(text):
    with pytest.raises(ContainerdError):
        parse_version(text)


def test_version_1_has_one_cri_plugin(tmp_path):
    made = tomllib.loads(containerd_config(config(tmp_path, runtimes=("test-handler",)), Version(1, 6), SANDBOX))
    assert made["version"] == 2
    cri = made["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"]
    assert cri["disable_apparmor"]
    assert cri["sandbox_image"] == IMAGE
    assert set(cri["containerd"]["runtimes"]) == {"runc", "test-handler"}
    assert cri["cni"]["conf_dir"] == str(tmp_path / "cni")


def test_version_2_splits_it(tmp_path):
    given = config(tmp_path, systemd_cgroup=True, registry_config_path=Path("/certs.d"))
    made = tomllib.loads(containerd_config(given, Version(2, 1), FULL))
    assert made["version"] == 3
    runtime, images = (made["plugins"][f"io.containerd.cri.v1.{name}"] for name in ("runtime", "images"))
    assert not runtime["restrict_oom_score_adj"]
    assert not runtime["disable_apparmor"]
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"]
    assert images["pinned_images"]["sandbox"] == IMAGE
    assert images["registry"]["config_path"] == "/certs.d"
    assert runtime["cni"]["bin_dirs"]
