"""The default policy and its reconciliation."""

from typing import Any

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CLUSTER_ROLE_BINDINGS
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import Attributes
from pynetes.apiserver.authorization.bootstrap import policy, reconcile
from pynetes.apiserver.authorization.union import ClusterAuthorizer

Key = tuple[GroupVersionResource, str, str]


class Cluster:
    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}

    def find(self, gvr: GroupVersionResource, namespace: str, name: str) -> dict[str, Any] | None:
        return self.objects.get((gvr, namespace, name))

    def apply(self) -> list[reconcile.Action]:
        actions = reconcile.plan(self.find)
        for action in actions:
            metadata = action.obj["metadata"]
            self.objects[action.gvr, metadata.get("namespace", ""), metadata["name"]] = action.obj
        return actions

    def get(self, kind: str, name: str) -> dict[str, Any]:
        return next(o for o in self.objects.values() if o["kind"] == kind and o["metadata"]["name"] == name)


def test_an_empty_cluster_gets_everything_once() -> None:
    cluster = Cluster()
    assert {action.operation for action in cluster.apply()} == {"create"}
    assert len(cluster.objects) > 130
    assert cluster.apply() == []


def test_what_users_added_stays_and_what_they_removed_comes_back() -> None:
    cluster = Cluster()
    cluster.apply()
    dns = cluster.get("ClusterRole", "system:kube-dns")
    extra = policy.rule("get core secrets")
    dns["rules"] = [extra]
    dns["metadata"]["labels"]["mine"] = "yes"
    bound = cluster.get("ClusterRoleBinding", "system:discovery")
    bound["subjects"] = [{"kind": "User", "name": "x", "apiGroup": policy.GROUP}]
    assert [action.operation for action in cluster.apply()] == ["update", "update"]
    dns = cluster.get("ClusterRole", "system:kube-dns")
    assert extra in dns["rules"]
    assert len(dns["rules"]) == 5
    assert dns["metadata"]["labels"]["mine"] == "yes"
    assert len(cluster.get("ClusterRoleBinding", "system:discovery")["subjects"]) == 2


def test_protected_objects_are_left_alone_and_rebound_bindings_made_anew() -> None:
    cluster = Cluster()
    cluster.apply()
    cluster.get("ClusterRole", "system:kube-dns").update(
        rules=[], metadata={"name": "system:kube-dns", "annotations": {policy.AUTOUPDATE: "false"}}
    )
    cluster.get("ClusterRoleBinding", "system:discovery")["roleRef"] = {"kind": "ClusterRole", "name": "other"}
    assert [action.operation for action in cluster.apply()] == ["recreate"]


def test_a_binding_that_was_split_from_another_is_for_whom_that_is() -> None:
    cluster = Cluster()
    cluster.apply()
    group = {"kind": "Group", "name": "system:authenticated", "apiGroup": policy.GROUP}
    discovery = cluster.get("ClusterRoleBinding", "system:discovery")
    discovery["subjects"] = [group]
    discovery["metadata"]["annotations"] = {policy.AUTOUPDATE: "false", "mine": "yes"}
    viewer = (CLUSTER_ROLE_BINDINGS, "", "system:public-info-viewer")
    del cluster.objects[viewer]
    assert [action.operation for action in cluster.apply()] == ["create"]
    made = cluster.objects[viewer]
    assert (made["subjects"], made["metadata"]["annotations"]["mine"]) == ([group], "yes")
    assert cluster.apply() == []


def test_the_default_policy_lets_components_work_and_users_look() -> None:
    authorizer = ClusterAuthorizer()
    objects = (policy.cluster_roles, policy.cluster_role_bindings, policy.roles, policy.role_bindings)
    for make in objects:
        for obj in make():
            authorizer.observe("ADDED", obj)

    def may(user: str, verb: str, resource: str, group: str = "", namespace: str = "", *groups: str) -> bool:
        who = UserInfo(user, groups=(*groups, "system:authenticated"))
        return authorizer.authorize(Attributes(who, verb, group, "v1", resource, namespace=namespace)).allowed

    assert may("system:kube-scheduler", "create", "bindings", "", "a")
    assert may("system:kube-scheduler", "update", "leases", "coordination.k8s.io", "kube-system")
    assert not may("system:kube-scheduler", "get", "secrets", "", "a")
    assert may("system:kube-controller-manager", "create", "serviceaccounts", "", "kube-system")
    assert not may("system:kube-controller-manager", "create", "pods", "", "a")
    assert may("system:kube-proxy", "watch", "endpointslices", "discovery.k8s.io")
    assert may("system:serviceaccount:kube-system:replicaset-controller", "create", "pods", "", "a")
    assert may("anyone", "create", "selfsubjectaccessreviews", "authorization.k8s.io")
    assert not may("anyone", "list", "pods", "", "a")
    anonymous = UserInfo("system:anonymous", groups=("system:unauthenticated",))
    path = Attributes(anonymous, "get", path="/version", is_resource=False)
    assert authorizer.authorize(path).allowed
    assert not authorizer.authorize(Attributes(anonymous, "get", path="/api", is_resource=False)).allowed
