"""PodTopologyLabels: a pod that is bound to a node gets the node's zone and region as labels."""

from pynetes.apimachinery import meta
from pynetes.apis.names import NODES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

_LABELS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


class PodTopologyLabels(Plugin):
    name = "PodTopologyLabels"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        if attrs.operation != "CREATE" or attrs.gvr.group:
            return False
        resource = (attrs.gvr.resource, attrs.subresource)
        return resource in (("pods", ""), ("pods", "binding"), ("bindings", ""))

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        if attrs.kind.kind == "Binding":
            target = attrs.obj.get("target") or {}
            node = target.get("name") if target.get("kind", "Node") == "Node" else None
        else:
            node = (attrs.obj.get("spec") or {}).get("nodeName")
        found = self._objects.cached_get(NODES, node) if node else None
        if found is None:
            return
        labels = meta.labels(found)
        for label in _LABELS:
            if label in labels:
                meta.set_label(attrs.obj, label, labels[label])
