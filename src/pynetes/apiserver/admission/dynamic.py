"""The plugins that a cluster's users configure by objects, and what keeps them up to date."""

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import (
    MUTATING_ADMISSION_POLICIES,
    MUTATING_ADMISSION_POLICY_BINDINGS,
    MUTATING_WEBHOOK_CONFIGURATIONS,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
    VALIDATING_WEBHOOK_CONFIGURATIONS,
)
from pynetes.apiserver.admission.attributes import Plugin
from pynetes.apiserver.admission.policies.mutating import MutatingAdmissionPolicy
from pynetes.apiserver.admission.policies.permission import ParameterPermission
from pynetes.apiserver.admission.policies.selection import Selector
from pynetes.apiserver.admission.policies.validating import ValidatingAdmissionPolicy
from pynetes.apiserver.admission.versions import Versions
from pynetes.apiserver.admission.webhooks.caller import Caller
from pynetes.apiserver.admission.webhooks.mutating import MutatingAdmissionWebhook
from pynetes.apiserver.admission.webhooks.validating import ValidatingAdmissionWebhook
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.objects import Observer
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.webhooks.client import WebhookClient


class DynamicAdmission:
    """`observers` must be told of all objects of their resources and of every change."""

    def __init__(self, registry: Registry, client: WebhookClient, authorizer: Authorizer) -> None:
        versions = Versions(registry, client)
        mutating = MutatingAdmissionWebhook(Caller(client, registry, versions, authorizer, "admit"))
        validating = ValidatingAdmissionWebhook(Caller(client, registry, versions, authorizer, "validating"))
        selector = Selector(registry, versions, authorizer)
        mutations, policies = MutatingAdmissionPolicy(selector), ValidatingAdmissionPolicy(selector)
        permission = ParameterPermission(registry, versions, authorizer)
        self.plugins: tuple[Plugin, ...] = (permission, mutations, mutating, policies, validating)
        self.observers: dict[GroupVersionResource, Observer] = {
            MUTATING_ADMISSION_POLICIES: mutations.policies.observe_policy,
            MUTATING_ADMISSION_POLICY_BINDINGS: mutations.policies.observe_binding,
            MUTATING_WEBHOOK_CONFIGURATIONS: mutating.hooks.observe,
            VALIDATING_ADMISSION_POLICIES: policies.policies.observe_policy,
            VALIDATING_ADMISSION_POLICY_BINDINGS: policies.policies.observe_binding,
            VALIDATING_WEBHOOK_CONFIGURATIONS: validating.hooks.observe,
        }
