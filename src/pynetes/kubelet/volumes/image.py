"""`image`: an image's content, read-only. The runtime mounts it; the kubelet pulls it before the container starts."""

from pathlib import Path

from pynetes.kubelet.volumes.plugin import MountedVolume, VolumeContext


class ImagePlugin:
    name = "kubernetes.io/image"
    source = "image"

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        reference = context.volume[self.source].get("reference") or ""
        return MountedVolume(context.name, "", self.name, readonly=True, image=reference)

    async def tear_down(self, path: Path) -> None:
        """Nothing of ours lies on the node."""
