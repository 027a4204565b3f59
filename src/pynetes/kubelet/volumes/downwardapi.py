"""`downwardAPI`: the pod's own fields as files; its labels and annotations stay current."""

from pathlib import Path

from pynetes.kubelet.volumes import files, payload, scratch
from pynetes.kubelet.volumes.plugin import MountedVolume, VolumeContext


class DownwardAPIPlugin:
    name = "kubernetes.io/downward-api"
    source = "downwardAPI"

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        source = context.volume[self.source]
        node = context.sources.node()
        content = payload.downward_api(context.pod, source.get("items"), payload.mode_of(source), node)
        files.publish(context, content, in_memory=True)
        return MountedVolume(context.name, str(context.path), self.name, readonly=True)

    async def tear_down(self, path: Path) -> None:
        await scratch.remove(path)
