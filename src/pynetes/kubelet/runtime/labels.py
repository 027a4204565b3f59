"""What the kubelet writes on sandboxes and containers, so that it finds everything again after a restart.

Keys are upstream's: other tools (crictl, log shippers, cAdvisor) read them.
"""

from collections.abc import Mapping
from typing import Any

import orjson

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"

_POD_DELETION_GRACE = "io.kubernetes.pod.deletionGracePeriod"
_POD_TERMINATION_GRACE = "io.kubernetes.pod.terminationGracePeriod"
_HASH = "io.kubernetes.container.hash"
_RESTART_COUNT = "io.kubernetes.container.restartCount"
_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
_PRE_STOP = "io.kubernetes.container.preStopHandler"
_PORTS = "io.kubernetes.container.ports"


def container_hash(container: Mapping[str, Any]) -> int:
    """Changes when the running container must be replaced: only name and image are mutable in a way that matters."""
    text = orjson.dumps({"image": container.get("image") or "", "name": container["name"]})
    value = 0x811C9DC5
    for byte in text:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def sandbox_labels(pod: Mapping[str, Any]) -> dict[str, str]:
    return {**(pod["metadata"].get("labels") or {}), **_pod_labels(pod)}


def sandbox_annotations(pod: Mapping[str, Any]) -> dict[str, str]:
    return dict(pod["metadata"].get("annotations") or {})


def _pod_labels(pod: Mapping[str, Any]) -> dict[str, str]:
    metadata = pod["metadata"]
    return {POD_NAME: metadata["name"], POD_NAMESPACE: metadata["namespace"], POD_UID: metadata["uid"]}


def container_labels(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, str]:
    return {**_pod_labels(pod), CONTAINER_NAME: container["name"]}


def container_annotations(pod: Mapping[str, Any], container: Mapping[str, Any], restart_count: int) -> dict[str, str]:
    out = {
        _HASH: f"{container_hash(container):x}",
        _RESTART_COUNT: str(restart_count),
        _MESSAGE_PATH: container.get("terminationMessagePath") or "",
        _MESSAGE_POLICY: container.get("terminationMessagePolicy") or "",
    }
    if (grace := pod["metadata"].get("deletionGracePeriodSeconds")) is not None:
        out[_POD_DELETION_GRACE] = str(grace)
    if (grace := pod["spec"].get("terminationGracePeriodSeconds")) is not None:
        out[_POD_TERMINATION_GRACE] = str(grace)
    if handler := (container.get("lifecycle") or {}).get("preStop"):
        out[_PRE_STOP] = orjson.dumps(handler).decode()
    if ports := container.get("ports"):
        out[_PORTS] = orjson.dumps(ports).decode()
    return out


def hash_of(annotations: Mapping[str, str]) -> int:
    try:
        return int(annotations.get(_HASH) or "0", 16)
    except ValueError:
        return 0


def restart_count_of(annotations: Mapping[str, str]) -> int:
    text = annotations.get(_RESTART_COUNT) or "0"
    return int(text) if text.isdigit() else 0


def termination_message_of(annotations: Mapping[str, str]) -> tuple[str, str]:
    """Path and policy."""
    return annotations.get(_MESSAGE_PATH, ""), annotations.get(_MESSAGE_POLICY, "")


def restore(labels: Mapping[str, str], annotations: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """As much of pod and container as ending the container needs, for pods whose object is gone."""
    metadata: dict[str, Any] = {
        "name": labels.get(POD_NAME, ""),
        "namespace": labels.get(POD_NAMESPACE, ""),
        "uid": labels.get(POD_UID, ""),
    }
    if (grace := annotations.get(_POD_DELETION_GRACE)) is not None:
        metadata["deletionGracePeriodSeconds"] = int(grace)
    container: dict[str, Any] = {
        "name": labels.get(CONTAINER_NAME, ""),
        "terminationMessagePath": annotations.get(_MESSAGE_PATH, ""),
    }
    if handler := annotations.get(_PRE_STOP):
        container["lifecycle"] = {"preStop": orjson.loads(handler)}
    if ports := annotations.get(_PORTS):
        container["ports"] = orjson.loads(ports)
    spec: dict[str, Any] = {"containers": [container]}
    if (grace := annotations.get(_POD_TERMINATION_GRACE)) is not None:
        spec["terminationGracePeriodSeconds"] = int(grace)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, container
