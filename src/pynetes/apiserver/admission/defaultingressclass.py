"""DefaultIngressClass: an Ingress that names no class gets the default one."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apis.names import INGRESS_CLASSES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

_MARK = "ingressclass.kubernetes.io/is-default-class"


class DefaultIngressClass(Plugin):
    name = "DefaultIngressClass"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and attrs.is_resource("networking.k8s.io", "ingresses")

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        spec = attrs.obj.setdefault("spec", {})
        if spec.get("ingressClassName") is not None or "kubernetes.io/ingress.class" in meta.annotations(attrs.obj):
            return
        found = self._default()
        if found is not None:
            spec["ingressClassName"] = found["metadata"]["name"]

    def _default(self) -> dict[str, Any] | None:
        classes = self._objects.cached_list(INGRESS_CLASSES)
        marked = [c for c in classes if meta.annotations(c).get(_MARK) == "true"]
        marked.sort(key=meta.name)
        return max(marked, key=meta.creation_time, default=None)
