"""What the load generator asks: prepared bytes of one client's requests, one after another, for each operation.

Pods that are read or patched are made by `populate`; others make what they change themselves. A client changes objects
that have its number, so that no two meet in one.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import widgets

_STAMP = b"1000000000000000000"  # as long as any number that takes its place


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client works: its number of how many, a word that no other run has, the namespace, and how many pods
    are there."""

    client: int
    clients: int
    run: str
    namespace: str
    objects: int

    @property
    def pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def widgets(self) -> str:
        return f"/apis/{widgets.GROUP}/v1/namespaces/{self.namespace}/{widgets.PLURAL}"

    @property
    def config_maps(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/configmaps"


def existing(number: int) -> str:
    """The name of the pod of that number, as `populate` makes them."""
    return f"pod-{number:05}"


def pod(name: str, annotation: str = "") -> dict[str, Any]:
    """A pod of about 2 KB once it is stored."""
    variables = [{"name": f"SETTING_{number}", "value": f"value-{number}-" + "x" * 40} for number in range(8)]
    container = {
        "name": "main",
        "image": "registry.example.test/team/application:1.0",
        "command": ["/app/server", "--listen=:8080"],
        "env": variables,
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    metadata = {"name": name, "labels": {"app": "bench", "tier": "load"}, "annotations": {"bench/at": annotation}}
    spec = {
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
        "automountServiceAccountToken": False,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def request(method: str, path: str, body: Any = None, content_type: str = "application/json") -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nUser-Agent: bench\r\n"
    if data:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
    return head.encode() + b"\r\n" + data


def _numbered(template: bytes, placeholder: bytes = _STAMP) -> Iterator[bytes]:
    """The template again and again, each time with another number of the same length in the placeholder's places."""
    parts = template.split(placeholder)
    assert len(parts) > 1
    for number in range(10**9):
        yield (b"%0*d" % (len(placeholder), number)).join(parts)


def populate(place: Place) -> Iterator[bytes]:
    for number in range(place.client, place.objects, place.clients):
        yield request("POST", place.pods, pod(existing(number)))


def create(place: Place) -> Iterator[bytes]:
    return _numbered(request("POST", place.pods, pod(f"{place.run}-{place.client:03}-0000000")), b"0000000")


def get(place: Place) -> Iterator[bytes]:
    names = random.Random(place.client)
    while True:
        yield request("GET", f"{place.pods}/{existing(names.randrange(place.objects))}")


def list_(place: Place) -> Iterator[bytes]:
    page = request("GET", place.pods)
    while True:
        yield page


def stamp(namespace: str, number: int, at: int) -> bytes:
    """A merge patch that sets a pod's annotation."""
    patch = {"metadata": {"annotations": {"bench/at": str(at)}}}
    path = f"/api/v1/namespaces/{namespace}/pods/{existing(number)}"
    return request("PATCH", path, patch, "application/merge-patch+json")


def merge_patch(place: Place) -> Iterator[bytes]:
    return _numbered(stamp(place.namespace, place.client, int(_STAMP)))


def json_patch(place: Place) -> Iterator[bytes]:
    operation = {"op": "replace", "path": "/metadata/annotations/bench~1at", "value": _STAMP.decode()}
    path = f"{place.pods}/{existing(place.client)}"
    return _numbered(request("PATCH", path, [operation], "application/json-patch+json"))


def strategic_merge_patch(place: Place) -> Iterator[bytes]:
    containers = [{"name": "main", "image": f"registry.example.test/team/application:{_STAMP.decode()}"}]
    patch = {"spec": {"containers": containers}}
    path = f"{place.pods}/{existing(place.client)}"
    return _numbered(request("PATCH", path, patch, "application/strategic-merge-patch+json"))


_APPLY = "fieldManager=applier&force=true"


def apply(place: Place) -> Iterator[bytes]:
    """The whole wish, of which one label changes; the first one creates the pod."""
    name = f"applied-{place.client:03}"
    wish = pod(name)
    wish["metadata"]["labels"]["generation"] = _STAMP.decode()
    path = f"{place.pods}/{name}?{_APPLY}"
    return _numbered(request("PATCH", path, wish, "application/apply-patch+yaml"))


def put(place: Place) -> Iterator[bytes]:
    """Of a ConfigMap that it has created first."""
    name = f"put-{place.run}-{place.client:03}"
    data = {f"key-{number}": "x" * 180 for number in range(10)} | {"stamp": _STAMP.decode()}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    yield request("POST", place.config_maps, body)
    yield from _numbered(request("PUT", f"{place.config_maps}/{name}", body))


def create_and_delete(place: Place) -> Iterator[bytes]:
    name = f"short-lived-{place.run}-{place.client:03}"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": "x" * 1800}}
    both = (request("POST", place.config_maps, body), request("DELETE", f"{place.config_maps}/{name}"))
    while True:
        yield from both


def create_widget(place: Place) -> Iterator[bytes]:
    widget = widgets.widget(f"{place.run}-{place.client:03}-0000000")
    return _numbered(request("POST", place.widgets, widget), b"0000000")


def patch_widget(place: Place) -> Iterator[bytes]:
    name = f"patched-{place.run}-{place.client:03}"
    yield request("POST", place.widgets, widgets.widget(name))
    patch = {"spec": {"revision": _STAMP.decode()}}
    yield from _numbered(request("PATCH", f"{place.widgets}/{name}", patch, "application/merge-patch+json"))


def apply_widget(place: Place) -> Iterator[bytes]:
    name = f"applied-{place.client:03}"
    wish = widgets.widget(name)
    wish["spec"]["revision"] = _STAMP.decode()
    path = f"{place.widgets}/{name}?{_APPLY}"
    return _numbered(request("PATCH", path, wish, "application/apply-patch+yaml"))


OPERATIONS: dict[str, Callable[[Place], Iterator[bytes]]] = {
    "populate": populate,
    "create": create,
    "get": get,
    "list": list_,
    "json-patch": json_patch,
    "merge-patch": merge_patch,
    "strategic-merge-patch": strategic_merge_patch,
    "apply": apply,
    "put": put,
    "create-and-delete": create_and_delete,
    "create-widget": create_widget,
    "patch-widget": patch_widget,
    "apply-widget": apply_widget,
}
