"""Packages of the guestbook's images are fetched by one process at a time: apt itself is told not to lock."""

import fcntl
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "guestbook" / "build_images.py"


def test_others_wait_while_packages_are_fetched_and_find_them_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("build_images", SCRIPT)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "build_images", script)  # its dataclasses look for it
    spec.loader.exec_module(script)
    calls: list[str] = []

    def apt(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        with (tmp_path / "lock").open("w") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (tmp_path / "archives" / "redis_1_amd64.deb").touch()
        calls.append(command[-1])
        return subprocess.CompletedProcess(command, 0, "Inst redis (1 amd64)\n", "")

    monkeypatch.setattr(subprocess, "run", apt)
    for _ in range(2):
        assert script.fetch_packages(("redis",), tmp_path) == [tmp_path / "archives" / "redis_1_amd64.deb"]
    assert len(calls) == 2
