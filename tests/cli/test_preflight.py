"""What a machine must have: each problem one line, with its remedy."""

from pathlib import Path

import pytest

from pynetes.cli import preflight


def test_absent_programs_are_told_with_the_packages_that_bring_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (problem,) = preflight.check_programs(with_registry=True)
    assert "conntrack" in problem.what
    assert problem.remedy.startswith("apt-get install --no-install-recommends conntrack containerd docker-registry")


def test_a_control_plane_without_a_node_needs_what_its_proxy_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (problem,) = preflight.check_programs(with_node=False)
    assert problem.remedy == "apt-get install --no-install-recommends iptables nftables"


def test_a_path_too_long_for_a_socket_is_told() -> None:
    assert preflight.check_socket_path(Path("/run/pynetes/containerd.sock")) == []
    (problem,) = preflight.check_socket_path(Path("/" + "d" * 100) / "containerd.sock")
    assert "too long by" in str(problem)
    assert "--run-dir" in str(problem)


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert preflight.check_disk(tmp_path / "not" / "there") == []
    monkeypatch.setattr(preflight, "_LEAST_FREE", 2**60)
    (problem,) = preflight.check_disk(tmp_path / "not" / "there")
    assert "MiB are free for" in problem.what
    assert "--data-dir" in problem.remedy


@pytest.mark.parametrize(
    ("told", "version"),
    [("etcd Version: 3.4.23\nGit SHA: x\n", (3, 4)), ("etcd Version: 3.10.0", (3, 10)), ("usage", ())],
)
def test_an_etcds_version_is_read(told: str, version: tuple[int, ...]) -> None:
    assert preflight.etcd_version(told) == version


def test_an_etcd_without_learners_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "etcd"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for version, wanted in (("3.4.0", 0), ("3.3.27", 1)):
        program.write_text(f"#!/bin/sh\necho etcd Version: {version}\n")
        program.chmod(0o755)
        assert len(preflight.check_etcd()) == wanted
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "apt-get install --no-install-recommends etcd-server" in str(preflight.check_etcd()[0])
