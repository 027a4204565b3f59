"""What the runtime is told about a container."""

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.runtime.container_config import ContainerInputs, container_config
from pynetes.kubelet.runtime.resources import NodeResources
from pynetes.kubelet.volumes import Mount


def test_an_image_volume_is_mounted_by_the_runtime() -> None:
    image = pb.ImageSpec(image="sha256:1", user_specified_image="data:1")
    inputs = ContainerInputs(
        restart_count=0,
        image_ref="sha256:2",
        image_uid=0,
        image_username="",
        environment=(),
        mounts=(Mount("/v", "", readonly=True, image="data:1", image_sub_path="etc"), Mount("/host", "/etc")),
        volume_images={"data:1": image},
    )
    container = {"name": "c", "image": "app:1"}
    pod = {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {"containers": [container]}}
    node = NodeResources(memory_capacity=1 << 30)
    config = container_config(pod, container, inputs, node, seccomp_root="/none", seccomp_default=False)
    volume, host = config.mounts
    assert volume == pb.Mount(container_path="/v", readonly=True, image=image, image_sub_path="etc")
    assert host == pb.Mount(container_path="/host", host_path="/etc")
