"""`secret`: a Secret's keys as files on a tmpfs, current within seconds of a change."""

from pathlib import Path

from pynetes.kubelet.volumes import files, payload, scratch
from pynetes.kubelet.volumes.plugin import MountedVolume, VolumeContext, VolumeError


class SecretPlugin:
    name = "kubernetes.io/secret"
    source = "secret"

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        source = context.volume[self.source]
        wanted, optional = source.get("secretName", ""), bool(source.get("optional"))
        found = await context.sources.secret(context.namespace, wanted)
        if found is None and not optional:
            raise VolumeError(f'secret "{wanted}" not found')
        content = payload.secret(found, source.get("items"), payload.mode_of(source), optional=optional)
        files.publish(context, content, in_memory=True)
        watched = frozenset({("Secret", context.namespace, wanted)})
        return MountedVolume(context.name, str(context.path), self.name, readonly=True, watches=watched)

    async def tear_down(self, path: Path) -> None:
        await scratch.remove(path)
