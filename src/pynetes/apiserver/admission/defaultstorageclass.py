"""DefaultStorageClass: a claim that names no class gets the default one."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apis.names import STORAGE_CLASSES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


class DefaultStorageClass(Plugin):
    name = "DefaultStorageClass"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and attrs.is_resource("", "persistentvolumeclaims")

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        spec = attrs.obj.setdefault("spec", {})
        named = "volume.beta.kubernetes.io/storage-class" in meta.annotations(attrs.obj)
        if spec.get("storageClassName") is not None or named:
            return
        found = self._default()
        if found is not None:
            spec["storageClassName"] = found["metadata"]["name"]

    def _default(self) -> dict[str, Any] | None:
        """The newest of those marked, by name among equally old ones."""
        marked = [c for c in self._objects.cached_list(STORAGE_CLASSES) if _is_default(c)]
        marked.sort(key=meta.name)
        return max(marked, key=meta.creation_time, default=None)


def _is_default(storage_class: dict[str, Any]) -> bool:
    annotations = meta.annotations(storage_class)
    return any(annotations.get(mark) == "true" for mark in _MARKS)
