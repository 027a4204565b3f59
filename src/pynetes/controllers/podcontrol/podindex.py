"""The pod cache by controller, and its orphans by namespace."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.client.informer import Informer

Object = dict[str, Any]

INDEX = "podController"
NODE_INDEX = "nodeName"


def _owners(pod: Object) -> list[str]:
    reference = meta.controller_of(pod)
    return [reference["uid"] if reference else f"orphans/{meta.namespace(pod)}"]


class PodIndex:
    """Pods of an owner without a walk over its namespace."""

    def __init__(self, informer: Informer) -> None:
        self.informer = informer
        informer.add_index(INDEX, _owners)

    def owned(self, owner: Object) -> list[Object]:
        """The pods whose controller is `owner`."""
        return self.informer.by_index(INDEX, meta.uid(owner))

    def orphans(self, namespace: str) -> list[Object]:
        return self.informer.by_index(INDEX, f"orphans/{namespace}")

    def candidates(self, owner: Object) -> list[Object]:
        """What `owner` may claim: its pods and the orphans of its namespace."""
        return self.owned(owner) + self.orphans(meta.namespace(owner))


def index_by_node(informer: Informer) -> None:
    """Lets `on_node` find the pods of a node."""
    informer.add_index(NODE_INDEX, _node)


def on_node(informer: Informer, node: str) -> list[Object]:
    return informer.by_index(NODE_INDEX, node)


def _node(pod: Object) -> list[str]:
    node = (pod.get("spec") or {}).get("nodeName")
    return [node] if node else []
