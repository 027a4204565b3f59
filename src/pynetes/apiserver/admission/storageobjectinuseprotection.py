"""StorageObjectInUseProtection: volumes, claims and their classes get a finalizer, so that nothing in use goes away."""

from pynetes.apimachinery import meta
from pynetes.apiserver.admission.attributes import Attributes, Plugin

FINALIZERS = {
    ("", "persistentvolumes"): "kubernetes.io/pv-protection",
    ("", "persistentvolumeclaims"): "kubernetes.io/pvc-protection",
    ("storage.k8s.io", "volumeattributesclasses"): "kubernetes.io/vac-protection",
}


class StorageObjectInUseProtection(Plugin):
    name = "StorageObjectInUseProtection"
    asks_only_kind = True

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and not attrs.subresource and _key(attrs) in FINALIZERS

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        meta.add_finalizer(attrs.obj, FINALIZERS[_key(attrs)])


def _key(attrs: Attributes) -> tuple[str, str]:
    return attrs.gvr.group, attrs.gvr.resource
