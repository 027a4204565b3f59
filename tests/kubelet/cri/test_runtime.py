import asyncio
import contextlib

import pytest

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import Channel, CRIError
from pynetes.kubelet.cri.events import subscribe
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.testing import images

pytestmark = [pytest.mark.root, pytest.mark.node]


def _sandbox(tmp_path, cgroup_parent, name="one"):
    return pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name=name, uid=f"uid-{name}", namespace="default"),
        log_directory=str(tmp_path),
        linux=pb.LinuxPodSandboxConfig(cgroup_parent=cgroup_parent),
        labels={"io.kubernetes.pod.uid": f"uid-{name}"},
    )


async def test_runs_a_sandbox_and_a_container_and_hears_of_both_within_moments(on_node, tmp_path):
    async with Channel(on_node.endpoint) as channel:
        runtime, image_service = RuntimeService(channel), ImageService(channel)
        assert (await runtime.version()).runtime_name == "containerd"
        image = await image_service.image_status(images.BUSYBOX)
        assert image is not None
        events = subscribe(channel)
        exited: set[str] = set()

        async def listen() -> None:
            async for event in events:
                if event.type == "exit":
                    exited.add(event.container_id)

        listening = asyncio.create_task(listen())  # before anything happens
        sandbox_config = _sandbox(tmp_path, on_node.cgroup_root)
        sandbox = await runtime.run_pod_sandbox(sandbox_config)
        status = (await runtime.pod_sandbox_status(sandbox)).status
        assert status.network.ip.startswith("10.89.0.")
        config = pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name="main"),
            image=pb.ImageSpec(image=image.id),
            command=["sh", "-c", "echo hello; exit 3"],
            log_path="main.log",
            linux=pb.LinuxContainerConfig(),
        )
        container = await runtime.create_container(sandbox, config, sandbox_config)
        await runtime.start_container(container)
        while container not in exited:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        # The event is a moment ahead of what CRI itself shows.
        while (await runtime.container_status(container)).status.state != pb.CONTAINER_EXITED:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        assert (await runtime.container_status(container)).status.exit_code == 3
        assert (tmp_path / "main.log").read_text().endswith("stdout F hello\n")
        await runtime.stop_pod_sandbox(sandbox)
        await runtime.remove_pod_sandbox(sandbox)
        assert await runtime.list_pod_sandboxes() == []


async def test_errors_carry_code_and_read_as_go_prints_them(on_node):
    async with Channel(on_node.endpoint) as channel:
        with pytest.raises(CRIError, match=r"^rpc error: code = NotFound desc = ") as error:
            await RuntimeService(channel).container_status("missing")
        assert error.value.not_found


async def test_a_runtime_that_is_not_there_is_unavailable(tmp_path):
    async with Channel(f"unix://{tmp_path}/none.sock") as channel:
        with pytest.raises(CRIError) as error:
            await RuntimeService(channel).version()
        assert error.value.unavailable
