"""PodResizeValidator: a running pod does not grow beyond what its node has."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.core.pod_resources import pod_requests
from pynetes.apis.names import NODES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

Object = dict[str, Any]

_OS = "kubernetes.io/os"


class PodResizeValidator(Plugin):
    name = "PodResizeValidator"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "UPDATE" and attrs.is_resource("", "pods", "resize")

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        assert attrs.old is not None
        name = (attrs.obj.get("spec") or {}).get("nodeName")
        if not name or attrs.obj.get("spec") == attrs.old.get("spec"):
            return
        node = self._objects.cached_get(NODES, name)
        if node is None:
            raise attrs.forbid(f'node "{name}" not found')
        system = meta.labels(node).get(_OS, "linux")
        if system != "linux":
            why = f'pod resize is only supported on linux nodes, node "{name}" is "{system}"'
            raise self._refusal(attrs, why, "UnsupportedPlatform")
        if why := shortage(attrs.obj, node):
            raise self._refusal(attrs, why, "NodeCapacity")

    @staticmethod
    def _refusal(attrs: Attributes, why: str, cause: str) -> Exception:
        error = attrs.forbid(why)
        error.details.setdefault("causes", []).append({"reason": cause})
        return error


def shortage(pod: Object, node: Object) -> str:
    """What of CPU and memory the pod asks for beyond what the node has for pods; "" if nothing."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    requests = pod_requests(pod)
    parts = []
    for name, number in (("cpu", Quantity.milli_value), ("memory", Quantity.value)):
        asked, has = requests.get(name, Quantity(0)), parse(allocatable.get(name) or "0")
        if asked > has:
            parts.append(f"{name}, requested: {number(asked)}, allocatable: {number(has)}")
    return f"node didn't have enough allocatable resources: {'; '.join(parts)}" if parts else ""
