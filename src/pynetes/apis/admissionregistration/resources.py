"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.admissionregistration import columns
from pynetes.apis.admissionregistration.policies import (
    MutatingAdmissionPolicyStrategy,
    MutatingPolicyBindingStrategy,
    ValidatingAdmissionPolicyStrategy,
    ValidatingPolicyBindingStrategy,
)
from pynetes.apis.admissionregistration.webhooks import (
    MutatingWebhookConfigurationStrategy,
    WebhookConfigurationStrategy,
)
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("admissionregistration.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("MutatingAdmissionPolicy"),
        "mutatingadmissionpolicies",
        namespaced=False,
        strategy=MutatingAdmissionPolicyStrategy(),
        columns=columns.MUTATING_POLICY,
        categories=("api-extensions",),
        stored_upstream="v1beta1",
    ),
    Resource(
        _kind("MutatingAdmissionPolicyBinding"),
        "mutatingadmissionpolicybindings",
        namespaced=False,
        strategy=MutatingPolicyBindingStrategy(),
        columns=columns.POLICY_BINDING,
        categories=("api-extensions",),
        stored_upstream="v1beta1",
    ),
    Resource(
        _kind("MutatingWebhookConfiguration"),
        "mutatingwebhookconfigurations",
        namespaced=False,
        strategy=MutatingWebhookConfigurationStrategy(),
        columns=columns.WEBHOOK_CONFIGURATION,
        categories=("api-extensions",),
    ),
    Resource(
        _kind("ValidatingAdmissionPolicy"),
        "validatingadmissionpolicies",
        namespaced=False,
        strategy=ValidatingAdmissionPolicyStrategy(),
        columns=columns.VALIDATING_POLICY,
        categories=("api-extensions",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("ValidatingAdmissionPolicyBinding"),
        "validatingadmissionpolicybindings",
        namespaced=False,
        strategy=ValidatingPolicyBindingStrategy(),
        columns=columns.POLICY_BINDING,
        categories=("api-extensions",),
    ),
    Resource(
        _kind("ValidatingWebhookConfiguration"),
        "validatingwebhookconfigurations",
        namespaced=False,
        strategy=WebhookConfigurationStrategy(),
        columns=columns.WEBHOOK_CONFIGURATION,
        categories=("api-extensions",),
    ),
)
