"""Images from a real registry: pulls with and without credentials, back-off, collection of images and containers."""

import asyncio
import base64
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pynetes.kubelet import oci
from pynetes.kubelet.container_gc import ContainerGC, PodState
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import Channel
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.images import ImageError, ImageManager
from pynetes.kubelet.images.gc import DiskUsage, ImageGC, Policy
from pynetes.testing import images

pytestmark = [pytest.mark.root, pytest.mark.node]

_CONFIG = """
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: "127.0.0.1:%d"}
"""
#: bcrypt of `pass`
_HTPASSWD = "ann:$2b$04$ILTV6GPqGlm6IWBm5KS6W.7vCEm6UXfVQ8yPziJ92oUet/AILIt6a\n"


def _registry(directory: Path, port: int, *, private: bool) -> "subprocess.Popen[bytes]":
    directory.mkdir()
    config = _CONFIG % (directory / "data", port)
    if private:
        (directory / "htpasswd").write_text(_HTPASSWD)
        config += f"auth: {{htpasswd: {{realm: test, path: {directory}/htpasswd}}}}\n"
    (directory / "config.yml").write_text(config)
    log = (directory / "log").open("wb")
    with log:
        process = subprocess.Popen(["docker-registry", "serve", str(directory / "config.yml")], stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while not _answers(port):
        assert time.monotonic() < deadline, (directory / "log").read_text()
        time.sleep(0.02)
    _push(directory, port, private)
    return process


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/").close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


def _push(directory: Path, port: int, private: bool) -> None:
    archive = directory / "busybox.tar"
    # Content of its own: the runtime removes every name of an image at once.
    archive.write_bytes(images.busybox(extra={"etc/registry": oci.File(str(port).encode())}))
    login = ["--dest-creds", "ann:pass"] if private else []
    command = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", *login]
    target = f"docker://127.0.0.1:{port}/tools/busybox:1"
    subprocess.run([*command, f"oci-archive:{archive}", target], check=True, capture_output=True)


@pytest.fixture
def registries(on_node: Any, tmp_path: Path) -> Iterator[None]:
    """One open registry on port 5000, one for `ann` alone on 5001, both inside of the node."""
    running = [
        _registry(tmp_path / "open", 5000, private=False),
        _registry(tmp_path / "private", 5001, private=True),
    ]
    yield
    for process in running:
        process.terminate()
        process.wait(60)


OPEN, PRIVATE = "127.0.0.1:5000/tools/busybox:1", "127.0.0.1:5001/tools/busybox:1"


@dataclass
class Setup:
    runtime: RuntimeService
    images: ImageService
    manager: ImageManager
    secrets: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)

    async def ensure(self, image: str, *, uid: str = "u", secret: str = "") -> str:
        spec = {"imagePullSecrets": [{"name": secret}] if secret else []}
        pod = {"metadata": {"name": "p", "namespace": "ns", "uid": uid}, "spec": spec}
        return (await self.manager.ensure_image(pod, {"name": "c", "image": image})).ref


@pytest.fixture
async def setup(on_node: Any, tmp_path: Path) -> AsyncIterator[Setup]:
    secrets: dict[str, Any] = {}
    events: list[tuple[str, str]] = []

    async def secret(namespace: str, name: str) -> Any:
        return secrets.get(name)

    async with Channel(on_node.endpoint) as channel:
        image_service = ImageService(channel)
        manager = ImageManager(
            image_service,
            event=lambda pod, container, type, reason, message: events.append((reason, message)),
            secret=secret,
            serialize=False,
            records=tmp_path / "records",
        )
        yield Setup(RuntimeService(channel), image_service, manager, secrets, events)
        for name in (OPEN, PRIVATE):
            await image_service.remove_image(name)


def login(user: str, password: str) -> dict[str, Any]:
    config = {"auths": {"127.0.0.1:5001": {"username": user, "password": password}}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()}
    return {
        "metadata": {"name": user, "namespace": "ns", "uid": user},
        "type": "kubernetes.io/dockerconfigjson",
        "data": data,
    }


async def test_an_open_image_is_pulled_once(registries: None, setup: Setup) -> None:
    ref = await setup.ensure(OPEN)
    assert await setup.ensure(OPEN) == ref
    assert [reason for reason, _ in setup.events] == ["Pulling", "Pulled", "Pulled"]
    status = await setup.images.image_status(ref)
    assert status is not None
    assert OPEN in status.repo_tags
    assert status.repo_digests[0].startswith("127.0.0.1:5000/tools/busybox@sha256:")


async def test_an_image_that_does_not_exist(registries: None, setup: Setup) -> None:
    missing = "127.0.0.1:5000/tools/none:1"
    with pytest.raises(ImageError) as caught:
        await setup.ensure(missing)
    assert caught.value.reason == "ErrImagePull"
    assert caught.value.message.startswith("rpc error: code = NotFound desc = failed to pull and unpack image")
    with pytest.raises(ImageError) as caught:
        await setup.ensure(missing)
    assert caught.value.reason == "ImagePullBackOff"


async def test_no_registry(setup: Setup) -> None:
    with pytest.raises(ImageError, match="connection refused"):
        await setup.ensure("127.0.0.1:5009/tools/busybox:1")


async def test_a_private_image_needs_its_secret(registries: None, setup: Setup) -> None:
    with pytest.raises(ImageError, match="ErrImagePull"):
        await setup.ensure(PRIVATE)
    setup.secrets.update(bad=login("ann", "wrong"), good=login("ann", "pass"))
    with pytest.raises(ImageError, match="ErrImagePull"):
        await setup.ensure(PRIVATE, uid="2", secret="bad")
    assert await setup.ensure(PRIVATE, uid="3", secret="good")
    with pytest.raises(ImageError, match="ErrImagePull"):
        await setup.ensure(PRIVATE, uid="4")


async def test_a_full_disk_loses_the_unused_image_only(registries: None, setup: Setup, on_node: Any) -> None:
    await setup.ensure(OPEN)
    present = {tag for image in await setup.images.list_images() for tag in image.repo_tags}
    assert OPEN in present

    async def disk() -> DiskUsage:
        return DiskUsage(1000, 0)

    async def containers() -> list[pb.Container]:
        # As if all else were in use: tests share this node's images.
        others = present - {OPEN}
        return [pb.Container(image_ref=name) for name in others]

    gc = ImageGC(
        setup.images, containers=containers, disk=disk, node_event=lambda *event: None, policy=Policy(minimum_age=0)
    )
    await gc.collect()
    assert await setup.images.image_status(OPEN) is None
    left = {tag for image in await setup.images.list_images() for tag in image.repo_tags}
    assert present - {OPEN} <= left


async def test_dead_containers_and_sandboxes_are_collected(setup: Setup, on_node: Any, tmp_path: Path) -> None:
    runtime = setup.runtime
    sandbox_config = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name="p", uid="uid-p", namespace="ns"),
        log_directory=str(tmp_path / "ns_p_uid-p"),
        labels={"io.kubernetes.pod.uid": "uid-p"},
        linux=pb.LinuxPodSandboxConfig(cgroup_parent=on_node.cgroup_root),
    )
    sandbox = await runtime.run_pod_sandbox(sandbox_config)
    image = await setup.images.image_status(images.BUSYBOX)
    assert image
    (tmp_path / "ns_p_uid-p").mkdir()
    for attempt in range(3):
        config = pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name="c", attempt=attempt),
            image=pb.ImageSpec(image=image.id),
            command=["true"],
            log_path=f"{attempt}.log",
            labels={"io.kubernetes.pod.uid": "uid-p", "io.kubernetes.container.name": "c"},
            linux=pb.LinuxContainerConfig(),
        )
        container = await runtime.create_container(sandbox, config, sandbox_config)
        await runtime.start_container(container)
        # It is not stopped: the runtime refuses that in the moment in which it ends by itself.
        while (await runtime.container_status(container)).status.state != pb.CONTAINER_EXITED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    gone = False
    state = PodState(deleted=lambda uid: gone and uid == "uid-p", finished=lambda uid: gone)
    gc = ContainerGC(runtime, state, logs_dir=tmp_path)
    await gc.collect()
    assert [c.metadata.attempt for c in await runtime.list_containers()] == [2]
    assert [p.name for p in (tmp_path / "ns_p_uid-p").iterdir()] == ["2.log"]
    assert len(await runtime.list_pod_sandboxes()) == 1
    gone = True
    await runtime.stop_pod_sandbox(sandbox)
    await gc.collect()
    assert await runtime.list_containers() == []
    assert await runtime.list_pod_sandboxes() == []
    assert not (tmp_path / "ns_p_uid-p").exists()
