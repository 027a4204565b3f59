"""Volumes of pods: plugins that make them, and the manager that mounts, refreshes and removes them.

One module a plugin, named after its key in a pod's volume; adding one is a class with `VolumePlugin`'s methods and a
line in `table.PLUGINS`. `writer` swaps whole directories of small files at once, `subpath` resolves subPath without
leaving the volume. Plugins know nothing of CRI, pod workers or the API client: objects come from `Sources`.
"""

from pynetes.kubelet.volumes.manager import VolumeManager
from pynetes.kubelet.volumes.plugin import Mount, VolumeError

__all__ = ["Mount", "VolumeError", "VolumeManager"]
