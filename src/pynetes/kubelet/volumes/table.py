"""The volume plugins, by their key in a pod's volume."""

from pynetes.kubelet.volumes.configmap import ConfigMapPlugin
from pynetes.kubelet.volumes.downwardapi import DownwardAPIPlugin
from pynetes.kubelet.volumes.emptydir import EmptyDirPlugin
from pynetes.kubelet.volumes.hostpath import HostPathPlugin
from pynetes.kubelet.volumes.image import ImagePlugin
from pynetes.kubelet.volumes.plugin import PluginTable, VolumePlugin
from pynetes.kubelet.volumes.projected import ProjectedPlugin
from pynetes.kubelet.volumes.secret import SecretPlugin

_ALL: tuple[VolumePlugin, ...] = (
    ConfigMapPlugin(),
    DownwardAPIPlugin(),
    EmptyDirPlugin(),
    HostPathPlugin(),
    ImagePlugin(),
    ProjectedPlugin(),
    SecretPlugin(),
)

PLUGINS: PluginTable = {plugin.source: plugin for plugin in _ALL}
