"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.flowcontrol.columns import FLOW_SCHEMA, PRIORITY_LEVEL, in_order_of_matching
from pynetes.apis.flowcontrol.flow_schema import FlowSchemaStrategy
from pynetes.apis.flowcontrol.priority_level import PriorityLevelStrategy
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("flowcontrol.apiserver.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("FlowSchema"),
        "flowschemas",
        namespaced=False,
        strategy=FlowSchemaStrategy(),
        columns=FLOW_SCHEMA,
        row_order=in_order_of_matching,
        subresources=(STATUS,),
    ),
    Resource(
        _kind("PriorityLevelConfiguration"),
        "prioritylevelconfigurations",
        namespaced=False,
        strategy=PriorityLevelStrategy(),
        columns=PRIORITY_LEVEL,
        subresources=(STATUS,),
    ),
)
