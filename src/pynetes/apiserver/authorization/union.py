"""All authorizers in upstream's order: system:masters, node, RBAC."""

from typing import Any

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis import names
from pynetes.apiserver.authentication.user import PRIVILEGED
from pynetes.apiserver.authorization.attributes import ALLOW, Attributes, Authorizer, Decision
from pynetes.apiserver.authorization.node import NodeAuthorizer
from pynetes.apiserver.authorization.rbac import RBAC
from pynetes.apiserver.objects import Change

#: What the authorizers must be told about, roles first: feed `ClusterAuthorizer.observe` with all objects and changes.
OBSERVED: tuple[GroupVersionResource, ...] = (
    names.CLUSTER_ROLES,
    names.CLUSTER_ROLE_BINDINGS,
    names.ROLES,
    names.ROLE_BINDINGS,
    names.PODS,
    names.PERSISTENT_VOLUMES,
    names.VOLUME_ATTACHMENTS,
    names.RESOURCE_SLICES,
)


class ClusterAuthorizer:
    """Upstream's --authorization-mode=Node,RBAC with the privileged group before it."""

    def __init__(self, *first: Authorizer) -> None:
        self.rbac = RBAC()
        self.node = NodeAuthorizer()
        self._authorizers: tuple[Authorizer, ...] = (*first, self.node, self.rbac)

    def authorize(self, attrs: Attributes) -> Decision:
        if PRIVILEGED in attrs.user.groups:
            return ALLOW
        reasons = []
        for authorizer in self._authorizers:
            decision = authorizer.authorize(attrs)
            if decision.allowed or decision.denied:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(False, reason="\n".join(reasons))

    def observe(self, change: Change, obj: dict[str, Any]) -> None:
        self.rbac.observe(change, obj)
        self.node.observe(change, obj)
