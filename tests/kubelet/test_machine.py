"""Facts about the machine."""

import os
from pathlib import Path

import pytest

from pynetes.kubelet import machine


def test_meminfo_is_in_bytes() -> None:
    assert machine.parse_meminfo("MemTotal:  100 kB\nInactive(file):  5 kB\nodd\n") == {
        "MemTotal": 102400,
        "Inactive(file)": 5120,
    }
    assert machine.meminfo()["MemTotal"] > 0


def test_file_system_of_a_path(tmp_path: Path) -> None:
    found = machine.file_system(tmp_path)
    assert 0 < found.available <= found.capacity
    assert found.used == found.capacity - found.available
    with pytest.raises(OSError):
        machine.file_system(tmp_path / "none")


def test_identity_has_all_of_node_info() -> None:
    found = machine.identity()
    assert found["bootID"]
    assert found["kernelVersion"] == os.uname().release
    assert found["operatingSystem"] == "linux"


@pytest.mark.parametrize(("machine_name", "go"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("new", "new")])
def test_architecture(machine_name: str, go: str) -> None:
    assert machine.architecture(machine_name) == go


def test_os_image(tmp_path: Path) -> None:
    path = tmp_path / "os-release"
    assert machine.os_image(path) == "Unknown"
    path.write_text('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    assert machine.os_image(path) == "Debian GNU/Linux 12 (bookworm)"


def test_huge_pages(tmp_path: Path) -> None:
    for size, count in ((2048, 3), (1048576, 0), (64, 1)):
        (tmp_path / f"hugepages-{size}kB").mkdir()
        (tmp_path / f"hugepages-{size}kB/nr_hugepages").write_text(f"{count}\n")
    assert machine.huge_pages(tmp_path) == {
        "hugepages-1Gi": 0,
        "hugepages-2Mi": 3 * 2048 * 1024,
        "hugepages-64Ki": 65536,
    }


def test_network_interfaces() -> None:
    text = (
        "Inter-|   Receive    |  Transmit\n face |bytes packets errs\n"
        "    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
        "  eth0: 100 2 3 4 5 6 7 8 900 10 11 12 13 14 15 16\n"
    )
    assert machine.parse_net_dev(text) == [machine.Interface("eth0", 100, 3, 900, 11)]


def test_the_default_routes_interface() -> None:
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
    text = f"{head}cni0\t0000F40A\t00000000\t1\t0\t0\t0\t00FFFFFF\neth0\t00000000\t0101A8C0\t3\t0\t0\t0\t00000000\n"
    assert machine.default_interface(text) == "eth0"
    assert machine.default_interface(head) == ""


def test_processes_and_boot_time() -> None:
    found = machine.processes()
    assert 0 < found.running < found.maximum
    assert machine.boot_time() >= 0
