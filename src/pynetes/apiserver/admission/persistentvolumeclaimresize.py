"""PersistentVolumeClaimResize: a claim grows only when it is bound and its class lets it."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.names import STORAGE_CLASSES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

Object = dict[str, Any]

_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class PersistentVolumeClaimResize(Plugin):
    name = "PersistentVolumeClaimResize"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "UPDATE" and attrs.is_resource("", "persistentvolumeclaims")

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        assert attrs.old is not None
        if _size(attrs.obj) <= _size(attrs.old):
            return
        if (attrs.old.get("status") or {}).get("phase") != "Bound":
            raise attrs.forbid("Only bound persistent volume claims can be expanded")
        name = _class(attrs.obj)
        found = self._objects.cached_get(STORAGE_CLASSES, name) if name and name == _class(attrs.old) else None
        if found is None or not found.get("allowVolumeExpansion"):
            raise attrs.forbid(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                "support resize"
            )


def _size(claim: Object) -> Quantity:
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return parse(requests.get("storage") or "0")


def _class(claim: Object) -> str:
    return meta.annotations(claim).get(_CLASS_ANNOTATION) or (claim.get("spec") or {}).get("storageClassName") or ""
