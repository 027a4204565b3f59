"""Leftovers go, and nothing else: also when a pod comes while they are looked for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pynetes.component.tasks import Tasks
from pynetes.kubelet.housekeeping import Housekeeping
from pynetes.kubelet.pleg import PLEG
from pynetes.kubelet.pod_manager import PodManager
from pynetes.kubelet.pod_workers import PodWorkers
from pynetes.kubelet.volumes import VolumeManager


def pod(uid: str) -> dict[str, Any]:
    return {"metadata": {"name": uid, "namespace": "ns", "uid": uid}, "spec": {"containers": []}}


class Cgroups:
    """Those of the pods in `present`; `look` is called while they are listed."""

    def __init__(self, *present: str) -> None:
        self.present = set(present)
        self.look = lambda: None

    def uids(self) -> set[str]:
        self.look()
        return set(self.present)

    async def remove(self, uid: str) -> None:
        self.present.remove(uid)


class Node:
    def __init__(self, root: Path, tasks: Tasks) -> None:
        self.root, self.cgroups = root, Cgroups("gone")
        self.manager, self.volumes = PodManager(), VolumeManager(root, None)  # type: ignore[arg-type]
        pleg = PLEG(None, None, lambda uid: None)  # type: ignore[arg-type]
        pleg.last_relist = 1.0
        self.housekeeping = Housekeeping(
            manager=self.manager,
            workers=PodWorkers(tasks, None),  # type: ignore[arg-type]
            syncer=SimpleNamespace(runtime=SimpleNamespace(backoff=SimpleNamespace(collect=lambda: None))),  # type: ignore[arg-type]
            statuses=SimpleNamespace(reconcile=lambda: None),  # type: ignore[arg-type]
            probes=None,  # type: ignore[arg-type]
            pleg=pleg,
            images=None,  # type: ignore[arg-type]
            tokens=None,
            volumes=self.volumes,
            cgroups=self.cgroups,  # type: ignore[arg-type]
            mirrors=None,
            root_dir=str(root),
            sources_ready=lambda: True,
        )
        self.directory("gone")

    def directory(self, uid: str) -> Path:
        path = self.root / "pods" / uid
        path.mkdir(parents=True, exist_ok=True)
        return path

    def come(self, uid: str) -> None:
        """A pod comes, and its worker begins."""
        self.manager.set(pod(uid))
        self.directory(uid)
        self.cgroups.present.add(uid)

    def left(self) -> tuple[set[str], set[str]]:
        """Of whom there are directories, and cgroups."""
        return {path.name for path in (self.root / "pods").iterdir()}, self.cgroups.present


async def test_what_is_left_of_pods_that_are_gone_goes(tmp_path: Path) -> None:
    async with Tasks("test") as tasks:
        node = Node(tmp_path, tasks)
        node.come("here")
        await node.housekeeping.step()
    assert node.left() == ({"here"}, {"here"})


async def test_a_pod_that_comes_while_leftovers_are_listed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Tasks("test") as tasks:
        node = Node(tmp_path, tasks)
        listed = node.volumes.pods_on_disk

        def late() -> set[str]:
            node.come("first")
            return listed()

        monkeypatch.setattr(node.volumes, "pods_on_disk", late)
        node.cgroups.look = lambda: node.come("second")
        await node.housekeeping.step()
    assert node.left() == ({"first", "second"}, {"first", "second"})
