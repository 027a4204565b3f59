"""Volumes for tests: a pod, sources in memory, and a mount namespace that a test may mount in."""

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pynetes.kubelet.volumes.plugin import Sources, Token, TokenRequest, VolumeContext, VolumeError

_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_MS_REC_PRIVATE = 0x4000 | 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@pytest.fixture
def own_mounts() -> Iterator[None]:
    """A mount namespace of the test's own."""
    directory = Path.cwd()
    with open("/proc/thread-self/ns/mnt") as before:
        _check(_libc.unshare(_CLONE_FS | _CLONE_NEWNS))
        _check(_libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC_PRIVATE), None))
        yield
        _check(_libc.unshare(_CLONE_FS))  # threads that the test started share it with this one
        _check(_libc.setns(before.fileno(), _CLONE_NEWNS))
    os.chdir(directory)


@dataclass
class Cluster:
    """The objects that volumes read."""

    config_maps: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)
    node: dict[str, Any] = field(default_factory=dict)
    now: float = 1000.0
    requests: list[TokenRequest] = field(default_factory=list)
    refuse_tokens: bool = False

    def sources(self) -> Sources:
        async def config_map(namespace: str, name: str) -> Any:
            return self.config_maps.get(name)

        async def secret(namespace: str, name: str) -> Any:
            return self.secrets.get(name)

        async def token(request: TokenRequest) -> Token:
            if self.refuse_tokens:
                raise VolumeError("failed to fetch token: no")
            self.requests.append(request)
            return Token(f"token-{len(self.requests)}", self.now, self.now + request.expiration_seconds)

        return Sources(config_map, secret, token, lambda: self.node)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def make_pod(volumes: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    mounts = [{"name": v["name"], "mountPath": f"/mnt/{v['name']}"} for v in volumes]
    return {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u-1", "labels": {"app": "x"}, "annotations": {}},
        "spec": {
            "nodeName": "n1",
            "serviceAccountName": "sa",
            "volumes": volumes,
            "containers": [{"name": "c", "volumeMounts": mounts}],
            **spec,
        },
    }


@pytest.fixture
def context(tmp_path: Path, cluster: Cluster) -> Any:
    """Makes the context of one volume."""

    def make(volume: dict[str, Any], **spec: Any) -> VolumeContext:
        named = {"name": "v", **volume}
        return VolumeContext(make_pod([named], **spec), named, tmp_path / "v", cluster.sources())

    return make


@pytest.fixture
def pod_with() -> Any:
    return make_pod
