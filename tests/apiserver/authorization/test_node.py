"""The node authorizer: a kubelet sees what its pods need, and nothing else."""

from typing import Any

import pytest

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import Attributes
from pynetes.apiserver.authorization.node import NodeAuthorizer

N1 = UserInfo("system:node:n1", groups=("system:nodes",))


def pod(name: str = "p", node: str = "n1", **spec: Any) -> dict[str, Any]:
    spec = {"nodeName": node, "serviceAccountName": "default", **spec}
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "a"}, "spec": spec}


def asks(verb: str, resource: str, namespace: str = "a", name: str = "", **more: Any) -> Attributes:
    resource, _, subresource = resource.partition("/")
    plural, _, group = resource.partition(".")
    return Attributes(N1, verb, group, "v1", plural, subresource, namespace, name, **more)


def authorizer(*objects: dict[str, Any]) -> NodeAuthorizer:
    made = NodeAuthorizer()
    for obj in objects:
        made.observe("ADDED", obj)
    return made


FULL = pod(
    imagePullSecrets=[{"name": "pull"}],
    containers=[
        {
            "name": "c",
            "envFrom": [{"configMapRef": {"name": "envfrom"}}],
            "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}],
        }
    ],
    volumes=[
        {"name": "s", "secret": {"secretName": "vol"}},
        {"name": "m", "configMap": {"name": "vol"}},
        {"name": "p", "projected": {"sources": [{"configMap": {"name": "root"}}, {"secret": {"name": "proj"}}]}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "e", "ephemeral": {"volumeClaimTemplate": {}}},
    ],
)
VOLUME = {
    "kind": "PersistentVolume",
    "metadata": {"name": "pv"},
    "spec": {
        "claimRef": {"namespace": "a", "name": "data"},
        "csi": {"nodePublishSecretRef": {"name": "csi", "namespace": "b"}},
    },
}


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        (asks("get", "secrets", name="pull"), True),
        (asks("get", "secrets", name="env"), True),
        (asks("watch", "secrets", name="vol"), True),
        (asks("get", "secrets", name="proj"), True),
        (asks("get", "secrets", "b", "csi"), True),
        (asks("get", "secrets", name="other"), False),
        (asks("list", "secrets"), False),
        (asks("get", "secrets", "b", "pull"), False),
        (asks("update", "secrets", name="pull"), False),
        (asks("get", "configmaps", name="envfrom"), True),
        (asks("get", "configmaps", name="root"), True),
        (asks("get", "persistentvolumeclaims", name="data"), True),
        (asks("get", "persistentvolumeclaims", name="p-e"), True),
        (asks("patch", "persistentvolumeclaims/status", name="data"), True),
        (asks("get", "persistentvolumes", "", "pv"), True),
        (asks("get", "persistentvolumes", "", "other"), False),
        (asks("create", "serviceaccounts/token", name="default"), True),
        (asks("create", "serviceaccounts/token", name="admin"), False),
        (asks("get", "serviceaccounts", name="default"), True),
        (asks("get", "pods", name="p"), True),
        (asks("get", "pods", name="q"), False),
        (asks("list", "pods", ""), False),
        (asks("list", "pods", "", field_selector=(("spec.nodeName", "=", "n1"),)), True),
        (asks("list", "pods", "", field_selector=(("spec.nodeName", "=", "n2"),)), False),
        (asks("patch", "pods/status", name="q"), True),
        (asks("get", "nodes", "", "n1"), True),
        (asks("get", "nodes", "", "n2"), False),
        (asks("list", "nodes", ""), False),
        (asks("create", "nodes", ""), True),
        (asks("update", "leases.coordination.k8s.io", "kube-node-lease", "n1"), True),
        (asks("update", "leases.coordination.k8s.io", "kube-node-lease", "n2"), False),
        (asks("update", "leases.coordination.k8s.io", "a", "n1"), False),
        (asks("get", "csinodes.storage.k8s.io", "", "n1"), True),
        (asks("create", "events", name=""), True),
        (asks("watch", "services", ""), True),
        (asks("delete", "services", name="x"), False),
    ],
)
def test_a_node_may_do_what_upstream_lets_it(question: Attributes, allowed: bool) -> None:
    found = authorizer(FULL, VOLUME, pod("q", "n2"))
    assert found.authorize(question).allowed is allowed


def test_rights_come_and_go_with_pods() -> None:
    found = authorizer()
    secret = asks("get", "secrets", name="s")
    first = pod("one", imagePullSecrets=[{"name": "s"}])
    second = pod("two", imagePullSecrets=[{"name": "s"}])
    found.observe("ADDED", {**first, "spec": {**first["spec"], "nodeName": ""}})
    assert not found.authorize(secret).allowed
    found.observe("MODIFIED", first)
    found.observe("ADDED", second)
    found.observe("DELETED", first)
    assert found.authorize(secret).allowed
    found.observe("DELETED", second)
    decision = found.authorize(secret)
    assert decision.reason == "no relationship found between node 'n1' and this object"


def test_mirror_pods_open_nothing() -> None:
    mirror = pod(imagePullSecrets=[{"name": "s"}])
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "hash"}
    found = authorizer(mirror)
    assert not found.authorize(asks("get", "secrets", name="s")).allowed
    assert found.authorize(asks("get", "pods", name="p")).allowed


def test_others_are_none_of_its_business() -> None:
    impostor = UserInfo("system:node:n1", groups=("devs",))
    question = Attributes(impostor, "get", "", "v1", "nodes", name="n1")
    assert authorizer().authorize(question).reason == ""
