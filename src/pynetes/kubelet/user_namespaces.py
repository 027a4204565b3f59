"""User namespaces of pods with `hostUsers: false`: 65536 ids each, written beside the pod so that they outlive us."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.runtime.paths import pod_directory

LENGTH = 65536
_FILE = "userns"


class UserNamespaces:
    """The first range belongs to the node itself; there is one for each pod the node can hold."""

    def __init__(self, root: str, max_pods: int) -> None:
        self._root = root
        self._ranges = range(1, max_pods + 1)
        self._by_pod: dict[str, int] = {}

    def load(self, uids: Iterable[str]) -> None:
        """After a restart: what earlier pods hold."""
        for uid in uids:
            try:
                stored = orjson.loads(self._file(uid).read_bytes())
                self._by_pod[uid] = int(stored["uidMappings"][0]["hostId"]) // LENGTH
            except (OSError, ValueError, KeyError, IndexError):
                continue

    def of(self, pod: Mapping[str, Any], *, supported: bool) -> pb.UserNamespace | None:
        """None for pods on the host's users. Raises ValueError where the runtime cannot or no range is free."""
        if pod["spec"].get("hostUsers") is not False:
            return None
        uid = pod["metadata"]["uid"]
        if not supported:
            raise ValueError(f"runtime does not support user namespaces, required by pod {uid}")
        if uid not in self._by_pod:
            self._allocate(uid)
        host_id = self._by_pod[uid] * LENGTH
        mapping = pb.IDMapping(host_id=host_id, container_id=0, length=LENGTH)
        return pb.UserNamespace(mode=pb.POD, uids=[mapping], gids=[mapping])

    def _allocate(self, uid: str) -> None:
        used = set(self._by_pod.values())
        free = next((number for number in self._ranges if number not in used), None)
        if free is None:
            raise ValueError("could not find an empty slot to allocate a user namespace")
        mapping = [{"hostId": free * LENGTH, "containerId": 0, "length": LENGTH}]
        file = self._file(uid)
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        file.write_bytes(orjson.dumps({"uidMappings": mapping, "gidMappings": mapping}))
        self._by_pod[uid] = free

    def release(self, uid: str) -> None:
        self._by_pod.pop(uid, None)
        self._file(uid).unlink(missing_ok=True)

    def _file(self, uid: str) -> Path:
        return pod_directory(self._root, uid) / _FILE
