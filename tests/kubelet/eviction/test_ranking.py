"""Who is evicted first."""

from typing import Any

import pytest

from pynetes.kubelet.eviction.ranking import rank


def pod(uid: str, priority: int = 0, **requests: str) -> dict[str, Any]:
    names = {name.replace("_", "-"): value for name, value in requests.items()}
    spec = {"priority": priority, "containers": [{"name": "c", "resources": {"requests": names}}]}
    return {"metadata": {"uid": uid}, "spec": spec}


def memory(amount: int) -> dict[str, Any]:
    return {"memory": {"workingSetBytes": amount}}


def disk(rootfs: int = 0, logs: int = 0, volume: int = 0, inodes: int = 0) -> dict[str, Any]:
    container = {
        "name": "c",
        "rootfs": {"usedBytes": rootfs, "inodesUsed": inodes},
        "logs": {"usedBytes": logs, "inodesUsed": 0},
    }
    return {"containers": [container], "volume": [{"name": "v", "usedBytes": volume, "inodesUsed": 0}]}


@pytest.mark.parametrize(
    ("pods", "stats", "signal", "dedicated", "expected"),
    [
        (
            [pod("within", memory="100"), pod("over", memory="10"), pod("greedy", memory="10"), pod("unknown")],
            {"within": memory(90), "over": memory(20), "greedy": memory(80)},
            "memory.available",
            False,
            "unknown greedy over within",
        ),
        (
            [pod("high", 1000), pod("low", -1), pod("within-low", -5, memory="100")],
            {"high": memory(500), "low": memory(1), "within-low": memory(5)},
            "memory.available",
            False,
            "low high within-low",
        ),
        (
            [pod("few", 0), pod("many", 0), pod("important", 5)],
            {u: {"process_stats": {"process_count": n}} for u, n in (("few", 1), ("many", 50), ("important", 500))},
            "pid.available",
            False,
            "many few important",
        ),
        (
            [pod("images"), pod("logs")],
            {"images": disk(rootfs=100), "logs": disk(logs=50)},
            "nodefs.available",
            True,
            "logs images",
        ),
        (
            [pod("images"), pod("logs")],
            {"images": disk(rootfs=100), "logs": disk(logs=50)},
            "nodefs.available",
            False,
            "images logs",
        ),
        (
            [pod("volume"), pod("images")],
            {"images": disk(rootfs=100), "volume": disk(volume=500)},
            "imagefs.available",
            True,
            "images volume",
        ),
        (
            [pod("few"), pod("inodes")],
            {"few": disk(rootfs=500, inodes=1), "inodes": disk(inodes=9)},
            "nodefs.inodesFree",
            False,
            "inodes few",
        ),
        (
            [pod("asked", ephemeral_storage="200"), pod("took")],
            {"asked": disk(rootfs=150), "took": disk(rootfs=10)},
            "nodefs.available",
            False,
            "took asked",
        ),
    ],
)
def test_rank(pods: Any, stats: Any, signal: str, dedicated: bool, expected: str) -> None:
    found = rank(pods, stats, signal, dedicated_image_fs=dedicated)
    assert [p["metadata"]["uid"] for p in found] == expected.split()
