"""Events about pods and their containers, as upstream words them."""

from collections.abc import Mapping
from typing import Any, Protocol

from pynetes.kubelet import pod as pods


class Recorder(Protocol):
    """`client.events.EventRecorder`, as far as the kubelet needs it."""

    def event(self, obj: dict[str, Any], type: str, reason: str, message: str) -> None: ...


class PodEvents:
    """`obj` handed to the recorder is an object reference, with a field path for events about a container."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def pod(self, pod: Mapping[str, Any], type: str, reason: str, message: str) -> None:
        self._recorder.event(reference(pod), type, reason, message)

    def container(
        self, pod: Mapping[str, Any], container: Mapping[str, Any], type: str, reason: str, message: str
    ) -> None:
        about = reference(pod) | {"fieldPath": pods.field_path(pod, container["name"])}
        self._recorder.event(about, type, reason, message)


def reference(pod: Mapping[str, Any]) -> dict[str, Any]:
    metadata = pod["metadata"]
    out = {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": metadata.get("namespace") or "",
        "name": metadata["name"],
        "uid": metadata.get("uid") or "",
    }
    if version := metadata.get("resourceVersion"):
        out["resourceVersion"] = version
    return out
