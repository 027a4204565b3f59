"""The node authorizer: a kubelet may touch its own node, lease and pods, and read what its pods refer to."""

from collections.abc import Callable

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization import rules
from pynetes.apiserver.authorization.attributes import ALLOW, NO_OPINION, Attributes, Decision
from pynetes.apiserver.authorization.bootstrap.cluster_roles import CLUSTER_ROLES
from pynetes.apiserver.authorization.bootstrap.policy import rule
from pynetes.apiserver.authorization.node_graph import NodeGraph
from pynetes.apiserver.authorization.rules import Held
from pynetes.apiserver.objects import Change

READ = frozenset(("get", "list", "watch"))
OWN_VERBS = frozenset(("get", "create", "update", "patch", "delete"))
LEASE_NAMESPACE = "kube-node-lease"

Check = Callable[["NodeAuthorizer", str, Attributes], Decision]


class NodeAuthorizer:
    """Has an opinion on system:node users only, and then only allows; `graph` is fed through `observe`."""

    def __init__(self) -> None:
        self.graph = NodeGraph()
        self._rules = [rule(text) for text in CLUSTER_ROLES["system:node"]]

    def observe(self, change: Change, obj: dict[str, object]) -> None:
        self.graph.observe(change, obj)

    def authorize(self, attrs: Attributes) -> Decision:
        node = attrs.user.node_name
        if not node:
            return NO_OPINION
        check = _CHECKS.get((attrs.group, attrs.resource)) if attrs.is_resource else None
        if check is not None:
            return check(self, node, attrs)
        return ALLOW if any(rules.allows(rule, attrs) for rule in self._rules) else NO_OPINION

    def held(self, user: UserInfo, namespace: str) -> Held:
        if not user.node_name:
            return Held()
        return Held(incomplete=True, problem="node authorizer does not support user rule resolution")

    def related(self, node: str, kind: str, attrs: Attributes) -> Decision:
        """Allowed if one of the node's pods leads to the object."""
        if not attrs.name:
            return _no("No Object name found")
        if self.graph.visible(node, kind, attrs.namespace, attrs.name):
            return ALLOW
        return _no(f"no relationship found between node '{node}' and this object")


def _no(reason: str) -> Decision:
    return Decision(False, reason=reason)


def _read_namespaced(kind: str) -> Check:
    def check(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
        if attrs.verb not in READ:
            return _no("can only read resources of this type")
        if attrs.subresource:
            return _no("cannot read subresource")
        if not attrs.namespace:
            return _no("can only read namespaced object of this type")
        return authorizer.related(node, kind, attrs)

    return check


def _get(kind: str) -> Check:
    def check(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
        if attrs.verb != "get":
            return _no("can only get individual resources of this type")
        if attrs.subresource:
            return _no("cannot get subresource")
        return authorizer.related(node, kind, attrs)

    return check


def _claim(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
    if attrs.subresource != "status":
        return _get("PersistentVolumeClaim")(authorizer, node, attrs)
    if attrs.verb not in ("update", "patch"):
        return _no("can only get/update/patch this type")
    return authorizer.related(node, "PersistentVolumeClaim", attrs)


def _service_account(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
    if attrs.verb == "get" and not attrs.subresource:
        return _read_namespaced("ServiceAccount")(authorizer, node, attrs)
    if attrs.verb != "create" or not attrs.name:
        return _no("can only create tokens for individual service accounts")
    if attrs.subresource != "token":
        return _no("can only create token subresource of serviceaccount")
    return authorizer.related(node, "ServiceAccount", attrs)


def _lease(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
    if attrs.verb not in OWN_VERBS:
        return _no("can only get, create, update, patch, or delete a node lease")
    if attrs.namespace != LEASE_NAMESPACE:
        return _no(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
    if attrs.verb != "create" and attrs.name != node:
        return _no("can only access node lease with the same name as the requesting node")
    return ALLOW


def _csi_node(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
    if attrs.verb not in OWN_VERBS:
        return _no("can only get, create, update, patch, or delete a CSINode")
    if attrs.subresource:
        return _no("cannot authorize CSINode subresources")
    if attrs.verb != "create" and attrs.name != node:
        return _no("can only access CSINode with the same name as the requesting node")
    return ALLOW


def _slice(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
    if attrs.subresource:
        return _no("cannot authorize ResourceSlice subresources")
    if attrs.verb == "create":
        return ALLOW
    if attrs.verb in ("watch", "list", "deletecollection"):
        if selects(attrs, "spec.nodeName", node):
            return ALLOW
        return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")
    if attrs.verb in OWN_VERBS:
        return authorizer.related(node, "ResourceSlice", attrs)
    return _no(
        "only the following verbs are allowed for a ResourceSlice: "
        "get, watch, list, create, update, patch, delete, deletecollection"
    )


def _node(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
    if attrs.subresource == "status":
        return ALLOW if attrs.verb in ("update", "patch") else NO_OPINION
    if attrs.subresource:
        return NO_OPINION
    if attrs.verb in ("create", "update", "patch"):
        return ALLOW
    if attrs.verb not in READ:
        return NO_OPINION
    if attrs.name == node:
        return ALLOW
    if not attrs.name:
        return _no(f"node '{node}' cannot read all nodes, only its own Node object")
    return _no(f"node '{node}' cannot read '{attrs.name}', only its own Node object")


def _pod(authorizer: NodeAuthorizer, node: str, attrs: Attributes) -> Decision:
    verb = attrs.verb
    if attrs.subresource == "status":
        return ALLOW if verb in ("update", "patch") else NO_OPINION
    if attrs.subresource == "eviction":
        return ALLOW if verb == "create" else NO_OPINION
    if attrs.subresource:
        return NO_OPINION
    if verb == "get":
        return authorizer.related(node, "Pod", attrs)
    if verb in ("list", "watch"):
        if selects(attrs, "spec.nodeName", node):
            return ALLOW
        if attrs.name:
            return authorizer.related(node, "Pod", attrs)
        return _no("can only list/watch pods with spec.nodeName field selector")
    return ALLOW if verb in ("create", "delete") else NO_OPINION


def selects(attrs: Attributes, field: str, value: str) -> bool:
    """Whether the request is narrowed to one value of a field."""
    return any(f == field and op in ("=", "==") and v == value for f, op, v in attrs.field_selector)


_CHECKS: dict[tuple[str, str], Check] = {
    ("", "secrets"): _read_namespaced("Secret"),
    ("", "configmaps"): _read_namespaced("ConfigMap"),
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _get("PersistentVolume"),
    ("", "serviceaccounts"): _service_account,
    ("", "nodes"): _node,
    ("", "pods"): _pod,
    ("resource.k8s.io", "resourceclaims"): _get("ResourceClaim"),
    ("resource.k8s.io", "resourceslices"): _slice,
    ("storage.k8s.io", "volumeattachments"): _get("VolumeAttachment"),
    ("storage.k8s.io", "csinodes"): _csi_node,
    ("coordination.k8s.io", "leases"): _lease,
}
