"""The FlowSchemas and levels of every cluster. Mandatory ones are always so; suggested ones until somebody else
takes them over (annotation apf.kubernetes.io/autoupdate-spec: "false")."""

from typing import Any

Object = dict[str, Any]

API_VERSION = "flowcontrol.apiserver.k8s.io/v1"
AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"
EXEMPT, CATCH_ALL = "exempt", "catch-all"

_EVERYBODY = ("Group", "system:unauthenticated"), ("Group", "system:authenticated")
_KUBE_SYSTEM = ("ServiceAccount", "kube-system:*")


def _metadata(name: str) -> Object:
    return {"name": name, "annotations": {AUTO_UPDATE: "true"}}


def _level(name: str, shares: int, lendable: int, queues: int = 0, hand: int = 0) -> Object:
    response: Object = {"type": "Reject"}
    if queues:
        queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": 50}
        response = {"type": "Queue", "queuing": queuing}
    limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
    return _level_object(name, {"type": "Limited", "limited": limited})


def _level_object(name: str, spec: Object) -> Object:
    kind = "PriorityLevelConfiguration"
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": _metadata(name), "spec": spec}


def _subject(kind: str, name: str) -> Object:
    if kind == "ServiceAccount":
        namespace, _, account = name.partition(":")
        return {"kind": kind, "serviceAccount": {"namespace": namespace, "name": account}}
    return {"kind": kind, kind.lower(): {"name": name}}


def _resources(verbs: str, groups: str, resources: str, *, cluster: bool) -> Object:
    """Words; `core` for the group without a name."""
    rule: Object = {
        "verbs": verbs.split(),
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "namespaces": ["*"],
    }
    return {**rule, "clusterScope": True} if cluster else rule


_ALL_RESOURCES = _resources("*", "*", "*", cluster=True)
_ALL_PATHS: Object = {"verbs": ["*"], "nonResourceURLs": ["*"]}


def _schema(
    name: str,
    level: str,
    precedence: int,
    distinguisher: str,
    subjects: tuple[tuple[str, str], ...],
    resources: tuple[Object, ...] = (_ALL_RESOURCES,),
    paths: tuple[Object, ...] = (_ALL_PATHS,),
) -> Object:
    rule: Object = {"subjects": [_subject(*subject) for subject in subjects]}
    rule |= {"resourceRules": list(resources)} if resources else {}
    rule |= {"nonResourceRules": list(paths)} if paths else {}
    spec: Object = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        "rules": [rule],
    }
    if distinguisher:
        spec["distinguisherMethod"] = {"type": distinguisher}
    return {"apiVersion": API_VERSION, "kind": "FlowSchema", "metadata": _metadata(name), "spec": spec}


_NODES = (("Group", "system:nodes"),)
_LEASES = "coordination.k8s.io", "leases"
_PROBES: Object = {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}
_ELECTORS = (("User", "system:kube-controller-manager"), ("User", "system:kube-scheduler"), _KUBE_SYSTEM)

MANDATORY_LEVELS = (
    _level_object(EXEMPT, {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}),
    _level(CATCH_ALL, 5, 0),
)
SUGGESTED_LEVELS = (
    _level("system", 30, 33, 64, 6),
    _level("node-high", 40, 25, 64, 6),
    _level("leader-election", 10, 0, 16, 4),
    _level("workload-high", 40, 50, 128, 6),
    _level("workload-low", 100, 90, 128, 6),
    _level("global-default", 20, 50, 128, 6),
)
MANDATORY_SCHEMAS = (
    _schema(EXEMPT, EXEMPT, 1, "", (("Group", "system:masters"),)),
    _schema(CATCH_ALL, CATCH_ALL, 10000, "ByUser", _EVERYBODY),
)
SUGGESTED_SCHEMAS = (
    _schema("probes", EXEMPT, 2, "", _EVERYBODY, (), (_PROBES,)),
    _schema(
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        _ELECTORS,
        (_resources("get create update", *_LEASES, cluster=False),),
        (),
    ),
    _schema(
        "system-node-high",
        "node-high",
        400,
        "ByUser",
        _NODES,
        (_resources("*", "core", "nodes nodes/status", cluster=True), _resources("*", *_LEASES, cluster=False)),
        (),
    ),
    _schema("system-nodes", "system", 500, "ByUser", _NODES),
    _schema(
        "kube-controller-manager", "workload-high", 800, "ByNamespace", (("User", "system:kube-controller-manager"),)
    ),
    _schema("kube-scheduler", "workload-high", 800, "ByNamespace", (("User", "system:kube-scheduler"),)),
    _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", (_KUBE_SYSTEM,)),
    _schema("service-accounts", "workload-low", 9000, "ByUser", (("Group", "system:serviceaccounts"),)),
    _schema("global-default", "global-default", 9900, "ByUser", _EVERYBODY),
)
