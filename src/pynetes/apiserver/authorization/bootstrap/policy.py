"""The default roles and bindings as objects."""

from typing import Any

from pynetes.apiserver.authorization.bootstrap.cluster_roles import (
    AGGREGATE_TO,
    AGGREGATED_ROLES,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
)
from pynetes.apiserver.authorization.bootstrap.controller_roles import CONTROLLER_ROLES
from pynetes.apiserver.authorization.bootstrap.namespace_roles import ROLE_BINDINGS, ROLES

GROUP = "rbac.authorization.k8s.io"
API_VERSION = f"{GROUP}/v1"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
BOOTSTRAPPING = {"kubernetes.io/bootstrapping": "rbac-defaults"}

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_VERBS = {"read": _READ, "write": _WRITE, "readwrite": tuple(sorted(_READ + _WRITE))}

Object = dict[str, Any]


def cluster_roles() -> list[Object]:
    plain = {**CLUSTER_ROLES, **{f"system:controller:{name}": rules for name, rules in CONTROLLER_ROLES.items()}}
    roles = [{**_object("ClusterRole", name), "rules": [rule(text) for text in texts]} for name, texts in plain.items()]
    return roles + [_aggregated(name) for name in AGGREGATED_ROLES]


def cluster_role_bindings() -> list[Object]:
    own = [_binding("ClusterRoleBinding", name, name, who) for name, who in CLUSTER_ROLE_BINDINGS.items()]
    controllers = [
        _binding(
            "ClusterRoleBinding",
            f"system:controller:{name}",
            f"system:controller:{name}",
            (f"ServiceAccount kube-system/{name}",),
        )
        for name in CONTROLLER_ROLES
    ]
    return own + controllers


def roles() -> list[Object]:
    return [
        {**_object("Role", name, namespace), "rules": [rule(text) for text in texts]}
        for (namespace, name), texts in ROLES.items()
    ]


def role_bindings() -> list[Object]:
    return [
        _binding("RoleBinding", name, role, subjects, namespace)
        for (namespace, name), (role, subjects) in ROLE_BINDINGS.items()
    ]


def rule(text: str) -> Object:
    """A PolicyRule from its line in a table."""
    verbs, groups, *rest = text.split(" ")
    out: Object = {"verbs": list(_VERBS.get(verbs, verbs.split(",")))}
    if groups == "url":
        return {**out, "nonResourceURLs": rest[0].split(",")}
    out["apiGroups"] = ["" if group == "core" else group for group in groups.split(",")]
    out["resources"] = rest[0].split(",")
    if len(rest) > 1:
        out["resourceNames"] = rest[1].split(",")
    return out


def _object(kind: str, name: str, namespace: str = "") -> Object:
    labels = dict(BOOTSTRAPPING)
    if kind == "ClusterRole" and name in AGGREGATE_TO:
        labels[f"{GROUP}/aggregate-to-{AGGREGATE_TO[name]}"] = "true"
    metadata: Object = {"name": name, "labels": labels, "annotations": {AUTOUPDATE: "true"}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}


def _aggregated(name: str) -> Object:
    selector = {"matchLabels": {f"{GROUP}/aggregate-to-{name}": "true"}}
    return {**_object("ClusterRole", name), "aggregationRule": {"clusterRoleSelectors": [selector]}, "rules": []}


def _binding(kind: str, name: str, role: str, subjects: tuple[str, ...], namespace: str = "") -> Object:
    role_kind = "Role" if namespace else "ClusterRole"
    out = {**_object(kind, name, namespace), "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role}}
    if subjects:
        out["subjects"] = [_subject(text) for text in subjects]
    return out


def _subject(text: str) -> Object:
    kind, _, name = text.partition(" ")
    if kind == "ServiceAccount":
        namespace, _, name = name.partition("/")
        return {"kind": kind, "name": name, "namespace": namespace}
    return {"apiGroup": GROUP, "kind": kind, "name": name}
