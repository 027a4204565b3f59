"""NodeDeclaredFeatureValidator: a bound pod changes only as its node's kubelet can follow."""

from pynetes.apis.core import node_features
from pynetes.apis.names import NODES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin


class NodeDeclaredFeatureValidator(Plugin):
    name = "NodeDeclaredFeatureValidator"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "UPDATE" and (
            attrs.is_resource("", "pods", "resize") or attrs.is_resource("", "pods", "")
        )

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        assert attrs.old is not None
        spec, old = attrs.obj.get("spec") or {}, attrs.old.get("spec") or {}
        name = spec.get("nodeName")
        if not name or spec == old:
            return
        needed = node_features.needed_to_change(old, spec)
        if not needed:
            return
        node = self._objects.cached_get(NODES, name)
        if node is None:
            raise attrs.forbid(f'node "{name}" not found')
        if missing := ", ".join(sorted(needed - node_features.declared(node))):
            raise attrs.forbid(f'pod update requires features {missing} which are not available on node "{name}"')
