"""What the user of the cloud controller manager must be permitted: RBAC rules, for whoever installs it. Pure."""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS
from pynetes.cloud.interface import CloudProvider

Object = dict[str, Any]


def rule(groups: str, resources: str, verbs: str, *names: str) -> Object:
    """Words, `core` for the group without a name."""
    made: Object = {
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": verbs.split(),
    }
    return {**made, "resourceNames": list(names)} if names else made


def rules(provider: CloudProvider) -> list[Object]:
    """Upstream's ClusterRole system:cloud-controller-manager, as far as its controllers need it here, and what the
    provider's own API needs."""
    return [
        rule("core events.k8s.io", "events", "create patch update"),
        rule("core", "nodes", "get list watch update patch delete"),
        rule("core", "nodes/status services/status", "patch update"),
        rule("core", "services", "get list watch patch update"),
        rule("coordination.k8s.io", "leases", "create"),
        rule("coordination.k8s.io", "leases", "get update", "cloud-controller-manager"),
        # who asks for its metrics, and may they?
        rule("authentication.k8s.io", "tokenreviews", "create"),
        rule("authorization.k8s.io", "subjectaccessreviews", "create"),
        rule("core", "configmaps", "get", "extension-apiserver-authentication"),
        *_for_definitions(provider.custom_resource_definitions),
        *provider.rules,
    ]


def _for_definitions(definitions: Sequence[Object]) -> list[Object]:
    if not definitions:
        return []
    group, resource = CUSTOM_RESOURCE_DEFINITIONS.group, CUSTOM_RESOURCE_DEFINITIONS.resource
    # a name cannot be permitted for what is yet to be created
    return [rule(group, resource, "create"), rule(group, resource, "get patch", *map(meta.name, definitions))]
