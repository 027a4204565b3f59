"""The plugins that a cluster's users configure by objects, and what keeps them up to date."""

from pathlib import Path

from pynetes.apimachinery.errors import invalid_value
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
from pynetes.apiserver.admission.configuration import Configurations, failure
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
from pynetes.apiserver.webhooks.credentials import Credentials
from pynetes.client.kubeconfig import ConfigError

_GROUP = "apiserver.config.k8s.io"
_KINDS = ((f"{_GROUP}/v1", "WebhookAdmissionConfiguration"), (f"{_GROUP}/v1alpha1", "WebhookAdmission"))


class DynamicAdmission:
    """`observers` must be told of all objects of their resources and of every change."""

    def __init__(
        self, registry: Registry, client: WebhookClient, authorizer: Authorizer, configurations: Configurations
    ) -> None:
        versions = Versions(registry, client)
        callers = [
            Caller(client, registry, versions, authorizer, type, _credentials(configurations, plugin))
            for type, plugin in (
                ("admit", MutatingAdmissionWebhook.name),
                ("validating", ValidatingAdmissionWebhook.name),
            )
        ]
        mutating, validating = MutatingAdmissionWebhook(callers[0]), ValidatingAdmissionWebhook(callers[1])
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


def _credentials(configurations: Configurations, plugin: str) -> Credentials | None:
    """Of the plugin's WebhookAdmissionConfiguration. ConfigurationError."""
    file = (configurations.of(plugin, _KINDS, {"kubeConfigFile": str}) or {}).get("kubeConfigFile")
    if not file:
        return None
    if not Path(file).is_absolute():
        raise failure(plugin, str(invalid_value("kubeConfigFile", file, "must be an absolute file path")))
    try:
        return Credentials.load(Path(file))
    except ConfigError as error:
        raise failure(plugin, str(error)) from None
