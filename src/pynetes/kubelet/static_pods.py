"""Static pods: manifests in a directory of the node, and the mirror pods that show them in the API."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pynetes.apimachinery import codec, json_writer, meta, validation
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis import registry
from pynetes.apis.names import PODS
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.kubelet import pod as pods
from pynetes.kubelet.objects import references
from pynetes.kubelet.pod_manager import PodManager

log = logging.getLogger(__name__)

Pod = dict[str, Any]

_POD = GroupVersionKind("", "v1", "Pod")
_POLL = 1.0
"""Looking at a directory's times is cheap: an edit is taken up within a second (upstream: inotify)."""
_API_VOLUMES = {
    "configMap": "configmaps (via configmap volumes)",
    "secret": "secrets (via secret volumes)",
    "csi": "csidrivers (via CSI volumes)",
    "glusterfs": "endpoints (via glusterFS volumes)",
    "persistentVolumeClaim": "persistentvolumeclaims",
    "ephemeral": "persistentvolumeclaims (via ephemeral volumes)",
    "azureFile": "secrets (via azureFile volumes)",
}
_API_SOURCES = {
    "configMap": "configmaps (via projected volumes)",
    "secret": "secrets (via projected volumes)",
    "serviceAccountToken": "serviceaccounts (via projected volumes)",
    "clusterTrustBundle": "clustertrustbundles",
    "podCertificate": "podcertificates",
}


class ManifestError(Exception):
    """A manifest that is no static pod."""


def parse_manifest(content: bytes, path: str, node_name: str, now: str) -> Pod:
    """The pod of a manifest file, with upstream's name, uid and annotations. Raises ManifestError."""
    try:
        content_type = "application/json" if content.lstrip()[:1] == b"{" else "application/yaml"
        pod, _ = codec.decode(content, _POD, content_type=content_type, validation="Ignore")
    except StatusError as error:
        raise ManifestError(str(error)) from None
    metadata = pod.setdefault("metadata", {})
    if not metadata.get("name"):
        raise ManifestError("invalid pod: name is needed for the pod")
    if not metadata.get("uid"):
        stamp = json_writer.encode(pod) + f"host:{node_name}file:{path}".encode()
        metadata["uid"] = hashlib.md5(stamp, usedforsecurity=False).hexdigest()
    metadata["name"] = f"{metadata['name']}-{node_name.lower()}"
    metadata["namespace"] = metadata.get("namespace") or "default"
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        pods.CONFIG_HASH: metadata["uid"],
        pods.CONFIG_SEEN: now,
        pods.CONFIG_SOURCE: "file",
    }
    spec = pod.setdefault("spec", {})
    spec["nodeName"] = node_name
    # Trouble on the node must not evict what may be there to end it.
    everything = {"operator": "Exists", "effect": "NoExecute"}
    spec["tolerations"] = [t for t in spec.get("tolerations") or () if t != everything] + [everything]
    pod["status"] = {"phase": "Pending"}
    _check(pod)
    return pod


def _check(pod: Pod) -> None:
    resource = registry.by_gvk(_POD)
    assert resource is not None
    resource.strategy.default(pod)
    errors = validation.validate_object_meta(pod["metadata"], "metadata", True, resource.strategy.name_rule)
    errors = [*errors, *resource.strategy.validate(pod)]
    if errors:
        raise ManifestError(f"invalid pod: {errors[0]}")
    if kind := api_reference(pod):
        raise ManifestError(f"static pods may not reference {kind}")


def api_reference(pod: Mapping[str, Any]) -> str:
    """The first kind of API object the pod needs: a static pod must run without an API."""
    spec = pod["spec"]
    if spec.get("serviceAccountName"):
        return "serviceaccounts"
    for volume in spec.get("volumes") or ():
        for source, kind in _API_VOLUMES.items():
            if volume.get(source):
                return kind
        for projected in (volume.get("projected") or {}).get("sources") or ():
            for source, kind in _API_SOURCES.items():
                if projected.get(source):
                    return kind
    if spec.get("resourceClaims"):
        return "resourceclaims"
    for reference in sorted(references(pod)):
        return "secrets" if reference.kind == "Secret" else "configmaps"
    return ""


class StaticPodSource:
    """Reads a directory of manifests (or one file) again and again; `on_change(pods)` hears all of them."""

    def __init__(self, path: str, node_name: str, on_change: Callable[[list[Pod]], None]) -> None:
        self._path, self._node_name, self._on_change = Path(path), node_name, on_change
        self._read: dict[Path, tuple[tuple[int, int, int], Pod | None]] = {}

    async def run(self) -> None:
        first = True
        while True:
            try:
                if await asyncio.to_thread(self.refresh) or first:
                    self._on_change([pod for _, pod in self._read.values() if pod is not None])
                    first = False
            except OSError as error:
                log.error("static pods cannot be read from %s: %s", self._path, error)
            await clock.sleep(_POLL)

    def refresh(self) -> bool:
        """Reads what changed; whether anything did. Raises OSError."""
        found: dict[Path, tuple[tuple[int, int, int], Pod | None]] = {}
        changed = False
        for path in self._files():
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            known = self._read.get(path)
            if known is not None and known[0] == stamp:
                found[path] = known
            else:
                found[path] = (stamp, self._parse(path))
                changed = True
        changed = changed or found.keys() != self._read.keys()
        self._read = found
        return changed

    def _files(self) -> Iterator[Path]:
        if self._path.is_dir():
            yield from sorted(p for p in self._path.iterdir() if p.is_file() and not p.name.startswith("."))
        elif self._path.exists():
            yield self._path

    def _parse(self, path: Path) -> Pod | None:
        now = clock.now().isoformat().replace("+00:00", "000Z")
        try:
            return parse_manifest(path.read_bytes(), str(path), self._node_name, now)
        except ManifestError as error:
            log.error("manifest %s is skipped: %s", path, error)
            return None


class MirrorClient:
    """Makes and removes mirror pods. `node` gives the Node object, which owns them."""

    def __init__(self, client: Client, manager: PodManager, node: Callable[[], dict[str, Any] | None]) -> None:
        self._client, self._manager, self._node = client, manager, node

    async def ensure(self, pod: Pod) -> None:
        """The static pod has a mirror that looks like it. Failures are logged: the pod itself must run anyway."""
        mirror = self._manager.mirror_of(pod)
        if mirror is not None and (meta.is_deleting(mirror) or not is_mirror_of(mirror, pod)):
            await self.delete(mirror)
            mirror = None
        node = self._node()
        if mirror is not None or node is None or meta.is_deleting(node):
            return
        try:
            await self._client.create(PODS, mirror_pod(pod, node))
        except StatusError as error:
            if error.reason != "AlreadyExists":
                log.error("mirror of static pod %s cannot be made: %s", meta.key(pod), error)
        except TransportError as error:
            log.info("mirror of static pod %s is not made yet: %s", meta.key(pod), error)

    async def delete(self, mirror: Pod) -> None:
        name, namespace, uid = meta.name(mirror), meta.namespace(mirror), pods.uid(mirror)
        try:
            await self._client.delete(PODS, name, namespace, grace_period_seconds=0, uid=uid)
        except (StatusError, TransportError) as error:
            if not isinstance(error, StatusError) or error.reason not in ("NotFound", "Conflict"):
                log.error("mirror pod %s cannot be deleted: %s", meta.key(mirror), error)


def mirror_pod(pod: Pod, node: Mapping[str, Any]) -> Pod:
    metadata = pod["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": dict(metadata.get("labels") or {}),
            "annotations": {**metadata["annotations"], pods.CONFIG_MIRROR: metadata["annotations"][pods.CONFIG_HASH]},
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "name": node["metadata"]["name"],
                    "uid": node["metadata"]["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": meta.copy(pod["spec"]),
    }


def is_mirror_of(mirror: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    annotations = mirror["metadata"].get("annotations") or {}
    return bool(annotations.get(pods.CONFIG_MIRROR) == pod["metadata"]["annotations"].get(pods.CONFIG_HASH))
