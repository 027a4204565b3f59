"""Which nodes may stand behind a load balancer. Pure."""

from typing import Any

from pynetes.apimachinery import meta

Object = dict[str, Any]

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
TO_BE_DELETED_TAINT = "ToBeDeletedByClusterAutoscaler"
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


def is_included(node: Object) -> bool:
    """Whether the node is not labelled for exclusion; a value that says neither yes nor no excludes."""
    return meta.labels(node).get(EXCLUDE_LABEL, "false") in _FALSE


def is_untainted(node: Object) -> bool:
    """Whether the cluster autoscaler does not mean to delete the node."""
    return all(taint["key"] != TO_BE_DELETED_TAINT for taint in (node.get("spec") or {}).get("taints") or ())


def is_ready(node: Object) -> bool:
    return meta.is_condition_true((node.get("status") or {}).get("conditions"), "Ready")


def is_backend(node: Object) -> bool:
    """Whether a load balancer shall lead to the node. Not whether it is ready: the balancer's own checks see that."""
    return not meta.is_deleting(node) and is_included(node) and is_untainted(node)
