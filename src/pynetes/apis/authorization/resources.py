"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import CREATE_ONLY, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("authorization.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("LocalSubjectAccessReview"),
        "localsubjectaccessreviews",
        namespaced=True,
        strategy=Strategy(),
        verbs=CREATE_ONLY,
    ),
    Resource(
        _kind("SelfSubjectAccessReview"),
        "selfsubjectaccessreviews",
        namespaced=False,
        strategy=Strategy(),
        verbs=CREATE_ONLY,
    ),
    Resource(
        _kind("SelfSubjectRulesReview"),
        "selfsubjectrulesreviews",
        namespaced=False,
        strategy=Strategy(),
        verbs=CREATE_ONLY,
    ),
    Resource(
        _kind("SubjectAccessReview"), "subjectaccessreviews", namespaced=False, strategy=Strategy(), verbs=CREATE_ONLY
    ),
)
