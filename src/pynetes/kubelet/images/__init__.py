"""Images: names, pull policies, credentials, pulls with back-off, and garbage collection.

`manager.ImageManager` decides whether to pull; `puller` pulls; `keyring` finds credentials; `gc` frees disk. Imports
nothing of the pod workers.
"""

from pynetes.kubelet.images.manager import ImageManager
from pynetes.kubelet.images.result import ImageError, ImageRef

__all__ = ["ImageError", "ImageManager", "ImageRef"]
