"""Short ways to write the objects that controllers look at."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2024, 1, 1, 12, 0, 0, tzinfo=UTC)


def stamp(seconds_ago: float = 0) -> str:
    return datetime.fromtimestamp(NOW.timestamp() - seconds_ago, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def owner_ref(owner: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod(
    name: str = "p",
    *,
    phase: str = "Running",
    ready: bool = True,
    ready_for: float = 100,
    node: str = "n1",
    ip: str | None = "10.0.0.1",
    age: float = 200,
    restarts: int = 0,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    deleting: bool = False,
    owner: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "name": name,
        "namespace": "ns",
        "uid": f"uid-{name}",
        "creationTimestamp": stamp(age),
        "labels": labels or {},
        "annotations": annotations or {},
    }
    if deleting:
        meta["deletionTimestamp"] = stamp()
    if owner:
        meta["ownerReferences"] = [owner_ref(owner)]
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": stamp(ready_for)}
    status: dict[str, Any] = {"phase": phase, "conditions": [condition]}
    status["containerStatuses"] = [{"name": "c", "restartCount": restarts}]
    if ip:
        status["podIPs"] = [{"ip": ip}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"nodeName": node, **spec} if node else spec,
        "status": status,
    }


def replica_set(
    name: str = "rs",
    replicas: int = 1,
    *,
    available: int | None = None,
    image: str = "v1",
    age: float = 100,
    annotations: dict[str, str] | None = None,
    status: dict[str, Any] | None = None,
) -> dict[str, Any]:
    count = replicas if available is None else available
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{name}",
            "creationTimestamp": stamp(age),
            "generation": 1,
            "annotations": annotations or {},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": image}]}},
        },
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "readyReplicas": count,
            "availableReplicas": count,
            "terminatingReplicas": 0,
            **(status or {}),
        },
    }


def deployment(
    replicas: int = 3,
    *,
    surge: Any = "25%",
    unavailable: Any = "25%",
    image: str = "v2",
    strategy: str = "RollingUpdate",
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    how: dict[str, Any] = {"type": strategy}
    if strategy == "RollingUpdate":
        how["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "ns", "uid": "uid-d", "generation": 1, "creationTimestamp": stamp(500)},
        "spec": {
            "replicas": replicas,
            "strategy": how,
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": image}]}},
            **spec,
        },
        "status": status or {},
    }


def service(name: str = "web", *, ports: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    if ports is None:
        ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "x"}, "clusterIP": "10.96.0.5", "ports": ports, "type": "ClusterIP", **spec},
    }


def node(name: str = "n1", *, labels: dict[str, str] | None = None, **conditions: str) -> dict[str, Any]:
    listed = [{"type": type, "status": status} for type, status in conditions.items()]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels or {}, "creationTimestamp": stamp(1000)},
        "spec": {},
        "status": {"conditions": listed},
    }
