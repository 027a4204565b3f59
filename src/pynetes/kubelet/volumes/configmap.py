"""`configMap`: a ConfigMap's keys as files, current within seconds of a change."""

from pathlib import Path

from pynetes.kubelet.volumes import files, payload, scratch
from pynetes.kubelet.volumes.plugin import MountedVolume, VolumeContext, VolumeError


class ConfigMapPlugin:
    name = "kubernetes.io/configmap"
    source = "configMap"

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        source = context.volume[self.source]
        wanted, optional = source.get("name", ""), bool(source.get("optional"))
        found = await context.sources.config_map(context.namespace, wanted)
        if found is None and not optional:
            raise VolumeError(f'configmap "{wanted}" not found')
        content = payload.config_map(found, source.get("items"), payload.mode_of(source), optional=optional)
        files.publish(context, content, in_memory=False)
        watched = frozenset({("ConfigMap", context.namespace, wanted)})
        return MountedVolume(context.name, str(context.path), self.name, readonly=True, watches=watched)

    async def tear_down(self, path: Path) -> None:
        await scratch.remove(path)
