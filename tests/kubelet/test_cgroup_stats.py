"""Usage out of cgroup files, both versions."""

from pathlib import Path

import pytest

from pynetes.kubelet.cgroup_stats import Usage, read, read_root


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_version_1(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "memory/pod/memory.usage_in_bytes": "1000\n",
            "memory/pod/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/pod/memory.stat": "rss 1\ntotal_rss 300\ntotal_inactive_file 400\ntotal_pgfault 7\n",
            "cpuacct/pod/cpuacct.usage": "12345\n",
            "pids/pod/pids.current": "3\n",
        },
    )
    assert read("pod", tmp_path) == Usage(cpu=12345, memory=1000, working_set=600, rss=300, page_faults=7, processes=3)
    assert read("none", tmp_path) is None


def test_version_2(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "cgroup.controllers": "cpu memory",
            "pod/memory.current": "1000\n",
            "pod/memory.max": "2000\n",
            "pod/memory.stat": "anon 300\ninactive_file 4000\npgfault 7\npgmajfault 1\n",
            "pod/cpu.stat": "usage_usec 12\nuser_usec 6\n",
        },
    )
    assert read("pod", tmp_path) == Usage(12000, 1000, 0, 300, 7, 1, 2000)
    assert read("none", tmp_path) is None


def test_without_a_root_cgroups_memory_the_machines_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {"cgroup.controllers": "", "cpu.stat": "usage_usec 5\n"})
    found = read_root({"MemTotal": 1000, "MemFree": 300, "Inactive(file)": 200, "AnonPages": 100}, tmp_path)
    assert (found.cpu, found.memory, found.working_set, found.rss) == (5000, 700, 500, 100)


@pytest.mark.root
def test_this_machine_tells() -> None:
    found = read_root({"MemTotal": 1, "MemFree": 0})
    assert found.memory
    assert found.working_set is not None
