"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.policy.columns import POD_DISRUPTION_BUDGET
from pynetes.apis.policy.pod_disruption_budget import PodDisruptionBudgetStrategy
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("policy", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("PodDisruptionBudget"),
        "poddisruptionbudgets",
        namespaced=True,
        strategy=PodDisruptionBudgetStrategy(),
        columns=POD_DISRUPTION_BUDGET,
        short_names=("pdb",),
        subresources=(STATUS,),
    ),
)
