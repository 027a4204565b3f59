"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("admissionregistration.k8s.io", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("MutatingAdmissionPolicy"),
        "mutatingadmissionpolicies",
        namespaced=False,
        strategy=Strategy(),
        categories=("api-extensions",),
    ),
    Resource(
        _kind("MutatingAdmissionPolicyBinding"),
        "mutatingadmissionpolicybindings",
        namespaced=False,
        strategy=Strategy(),
        categories=("api-extensions",),
    ),
    Resource(
        _kind("MutatingWebhookConfiguration"),
        "mutatingwebhookconfigurations",
        namespaced=False,
        strategy=Strategy(),
        categories=("api-extensions",),
    ),
    Resource(
        _kind("ValidatingAdmissionPolicy"),
        "validatingadmissionpolicies",
        namespaced=False,
        strategy=_WithStatus(),
        categories=("api-extensions",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("ValidatingAdmissionPolicyBinding"),
        "validatingadmissionpolicybindings",
        namespaced=False,
        strategy=Strategy(),
        categories=("api-extensions",),
    ),
    Resource(
        _kind("ValidatingWebhookConfiguration"),
        "validatingwebhookconfigurations",
        namespaced=False,
        strategy=Strategy(),
        categories=("api-extensions",),
    ),
)
