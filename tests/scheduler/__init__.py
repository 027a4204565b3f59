"""Makers of nodes and pods for the scheduler's tests."""

import itertools
from typing import Any

Object = dict[str, Any]
_serial = itertools.count(1)


def node(
    name: str, *, cpu: str = "4", memory: str = "8Gi", pods: str = "110", taints: Any = (), **labels: str
) -> Object:
    """Label names take `_` for `/`-free keys; zones and host name come by themselves."""
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "spec": {"taints": list(taints)},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}},
    }


def pod(name: str = "", *, on: str = "", cpu: str = "", memory: str = "", labels: Any = None, **spec: Any) -> Object:
    number = next(_serial)
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container = {"name": "main", "image": "app", "resources": {"requests": requests}}
    if on:
        spec["nodeName"] = on
    return {
        "metadata": {
            "name": name or f"pod-{number}",
            "namespace": spec.pop("namespace", "default"),
            "uid": f"uid-{number}",
            "labels": labels or {},
            "ownerReferences": spec.pop("owners", []),
        },
        "spec": {"containers": [container], **spec},
        "status": {},
    }
