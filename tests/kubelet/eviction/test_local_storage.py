"""Pods over their own storage limits."""

from typing import Any

import pytest

from pynetes.kubelet.eviction.local_storage import violation


def pod(limit: str = "", size_limit: str = "") -> dict[str, Any]:
    limits = {"ephemeral-storage": limit} if limit else {}
    return {
        "metadata": {"uid": "u"},
        "spec": {
            "containers": [{"name": "c", "resources": {"limits": limits}}],
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": size_limit} if size_limit else {}}],
        },
    }


def stats(volume: int = 0, total: int = 0, rootfs: int = 0, logs: int = 0) -> dict[str, Any]:
    return {
        "volume": [{"name": "v", "usedBytes": volume}],
        "ephemeral-storage": {"usedBytes": total},
        "containers": [{"name": "c", "rootfs": {"usedBytes": rootfs}, "logs": {"usedBytes": logs}}],
    }


@pytest.mark.parametrize(
    ("of", "used", "dedicated", "message"),
    [
        (pod(), stats(1 << 40, 1 << 40, 1 << 40), False, None),
        (pod(size_limit="1Ki"), stats(volume=1024), False, None),
        (pod(size_limit="1Ki"), stats(volume=1025), False, 'Usage of EmptyDir volume "v" exceeds the limit "1Ki". '),
        (
            pod("1Ki"),
            stats(total=1025),
            False,
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ",
        ),
        (
            pod("1Ki"),
            stats(rootfs=1000, logs=30),
            False,
            'Container c exceeded its local ephemeral storage limit "1Ki". ',
        ),
        (pod("1Ki"), stats(rootfs=1000, logs=30), True, None),
    ],
)
def test_violation(of: Any, used: Any, dedicated: bool, message: str | None) -> None:
    assert violation(of, used, dedicated_image_fs=dedicated) == message
