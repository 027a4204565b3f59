"""The CRI's ImageService, one method a call."""

from google.protobuf.message import Message

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import Channel, R

_SERVICE = "/runtime.v1.ImageService/"

REQUEST_TIMEOUT = 120.0


class ImageService:
    def __init__(self, channel: Channel, *, timeout: float = REQUEST_TIMEOUT) -> None:
        self._channel = channel
        self._timeout = timeout

    async def _call(self, method: str, request: Message, response: type[R]) -> R:
        return await self._channel.call(_SERVICE + method, request, response, self._timeout)

    async def list_images(self, image: str = "") -> list[pb.Image]:
        request = pb.ListImagesRequest(filter=pb.ImageFilter(image=pb.ImageSpec(image=image)) if image else None)
        return list((await self._call("ListImages", request, pb.ListImagesResponse)).images)

    async def image_status(self, image: str) -> pb.Image | None:
        """None where the image is not on the node."""
        request = pb.ImageStatusRequest(image=pb.ImageSpec(image=image))
        answer = await self._call("ImageStatus", request, pb.ImageStatusResponse)
        return answer.image if answer.HasField("image") and answer.image.id else None

    async def pull_image(
        self,
        image: str,
        *,
        auth: pb.AuthConfig | None = None,
        sandbox_config: pb.PodSandboxConfig | None = None,
        runtime_handler: str = "",
    ) -> str:
        """Pulls and returns the image's reference (its id or digest). No deadline: the runtime ends a pull without
        progress by itself."""
        spec = pb.ImageSpec(image=image, runtime_handler=runtime_handler)
        request = pb.PullImageRequest(image=spec, auth=auth, sandbox_config=sandbox_config)
        answer = await self._channel.call(_SERVICE + "PullImage", request, pb.PullImageResponse, None)
        return answer.image_ref

    async def remove_image(self, image: str) -> None:
        """containerd removes every tag of the image's id, in use or not: ask first."""
        await self._call("RemoveImage", pb.RemoveImageRequest(image=pb.ImageSpec(image=image)), pb.RemoveImageResponse)

    async def image_fs_info(self) -> pb.ImageFsInfoResponse:
        return await self._call("ImageFsInfo", pb.ImageFsInfoRequest(), pb.ImageFsInfoResponse)
