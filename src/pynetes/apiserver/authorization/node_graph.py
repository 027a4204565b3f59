"""Which objects a node may read because one of its pods refers to them.

A reference count for each (object, node), kept by pod, so that a change costs what the pod's own references cost and a
question costs one lookup. Volumes are found through their claims.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pynetes.apis.core.pod_references import referenced_names
from pynetes.apiserver.objects import Change

Object = dict[str, Any]
#: Kind, namespace, name of something a pod refers to.
Reference = tuple[str, str, str]
_MIRROR = "kubernetes.io/config.mirror"
_PV_SECRETS = ("nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef", "secretRef")


class NodeGraph:
    """Fed with every change of Pods, PersistentVolumes, VolumeAttachments and ResourceSlices."""

    def __init__(self) -> None:
        self._counts: dict[Reference, Counter[str]] = {}
        self._held: dict[Reference, tuple[str, tuple[Reference, ...]]] = {}
        """What each holder (a pod, an attachment, a slice) makes visible to which node."""
        self._claim_of_volume: dict[str, Reference] = {}
        self._volumes_of_secret: dict[Reference, set[str]] = {}
        self._secrets_of_volume: dict[str, tuple[Reference, ...]] = {}

    def observe(self, change: Change, obj: Object) -> None:
        kind = obj.get("kind")
        if kind == "Pod":
            self._hold("Pod", obj, change, _node_of_pod(obj), pod_references)
        elif kind == "VolumeAttachment":
            self._hold("VolumeAttachment", obj, change, _spec_node(obj), lambda _: ())
        elif kind == "ResourceSlice":
            self._hold("ResourceSlice", obj, change, _spec_node(obj), lambda _: ())
        elif kind == "PersistentVolume":
            self._observe_volume(change, obj)

    def visible(self, node: str, kind: str, namespace: str, name: str) -> bool:
        """Whether the node may see the object."""
        if kind == "PersistentVolume":
            claim = self._claim_of_volume.get(name)
            return claim is not None and self._counted(node, claim)
        reference = (kind, namespace, name)
        if self._counted(node, reference):
            return True
        volumes = self._volumes_of_secret.get(reference, ()) if kind == "Secret" else ()
        return any(self.visible(node, "PersistentVolume", "", volume) for volume in volumes)

    def _counted(self, node: str, reference: Reference) -> bool:
        counts = self._counts.get(reference)
        return counts is not None and node in counts

    def _hold(self, kind: str, obj: Object, change: Change, node: str, references: Any) -> None:
        own = (kind, obj["metadata"].get("namespace") or "", obj["metadata"]["name"])
        held = None if change == "DELETED" or not node else (node, (own, *references(obj)))
        before = self._held.get(own)
        if before == held:
            return
        if before is not None:
            self._count(*before, -1)
            del self._held[own]
        if held is not None:
            self._count(*held, 1)
            self._held[own] = held

    def _count(self, node: str, references: tuple[Reference, ...], step: int) -> None:
        for reference in references:
            counts = self._counts.setdefault(reference, Counter())
            counts[node] += step
            if counts[node] <= 0:
                del counts[node]
            if not counts:
                del self._counts[reference]

    def _observe_volume(self, change: Change, volume: Object) -> None:
        name = volume["metadata"]["name"]
        self._claim_of_volume.pop(name, None)
        for secret in self._secrets_of_volume.pop(name, ()):
            self._volumes_of_secret[secret].discard(name)
            if not self._volumes_of_secret[secret]:
                del self._volumes_of_secret[secret]
        claim = (volume.get("spec") or {}).get("claimRef")
        if change == "DELETED" or not claim:
            return
        namespace = claim.get("namespace") or ""
        self._claim_of_volume[name] = ("PersistentVolumeClaim", namespace, claim.get("name") or "")
        secrets = tuple(_volume_secrets(volume["spec"], namespace))
        self._secrets_of_volume[name] = secrets
        for secret in secrets:
            self._volumes_of_secret.setdefault(secret, set()).add(name)


def pod_references(pod: Object) -> tuple[Reference, ...]:
    """What the node of a pod may read for its sake; nothing for mirror pods, which users do not vouch for."""
    if _MIRROR in (pod["metadata"].get("annotations") or {}):
        return ()
    namespace, spec = pod["metadata"].get("namespace") or "", pod.get("spec") or {}
    found: dict[Reference, None] = {}
    if spec.get("serviceAccountName"):
        found["ServiceAccount", namespace, spec["serviceAccountName"]] = None
    for kind, name in referenced_names(pod["metadata"]["name"], spec, pod.get("status") or {}):
        if name:
            found[kind, namespace, name] = None
    return tuple(found)


def _volume_secrets(spec: Object, claim_namespace: str) -> Iterator[Reference]:
    """Secrets that a kubelet reads to mount a PersistentVolume."""
    for source in spec.values():
        if not isinstance(source, dict):
            continue
        for field in _PV_SECRETS:
            reference = source.get(field)
            if isinstance(reference, dict) and reference.get("name"):
                yield "Secret", reference.get("namespace") or claim_namespace, reference["name"]
    azure = spec.get("azureFile") or {}
    if azure.get("secretName"):
        yield "Secret", azure.get("secretNamespace") or claim_namespace, azure["secretName"]


def _node_of_pod(pod: Object) -> str:
    return (pod.get("spec") or {}).get("nodeName") or ""


def _spec_node(obj: Object) -> str:
    return (obj.get("spec") or {}).get("nodeName") or ""
