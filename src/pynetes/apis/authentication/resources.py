"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import CREATE_ONLY, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("authentication.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("SelfSubjectReview"), "selfsubjectreviews", namespaced=False, strategy=Strategy(), verbs=CREATE_ONLY
    ),
    Resource(_kind("TokenReview"), "tokenreviews", namespaced=False, strategy=Strategy(), verbs=CREATE_ONLY),
)
