"""Finalizers that keep what is in use: volumes that are bound, claims that pods have, classes that either names.

Three controllers of upstream's: each puts its finalizer on what admission has not, and takes it off what is being
deleted once nothing uses it.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, VOLUME_ATTRIBUTES_CLASSES
from pynetes.client.informer import Informer
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.podcontrol import state

Object = dict[str, Any]

_BY_CLAIM, _BY_CLASS = "claims of pods", "volume attributes classes"


class _Protection(BaseController):
    gvr: ClassVar[GroupVersionResource]
    finalizer: ClassVar[str]

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.objects = self.informer(self.gvr)
        self.objects.add_handler(self.enqueue, self.enqueue_update)

    @abstractmethod
    async def is_used(self, obj: Object) -> bool: ...

    def released(self, keys: Iterable[str]) -> None:
        """Those that are used once less."""
        for key in keys:
            self.queue.add(key)

    async def sync(self, key: str) -> None:
        obj = self.objects.get(key)
        if obj is None:
            return
        held = self.finalizer in meta.finalizers(obj)
        if meta.is_deleting(obj) != held or (held and await self.is_used(obj)):
            return
        changed = meta.copy_object(obj)
        if held:
            meta.remove_finalizer(changed, self.finalizer)
        else:
            meta.add_finalizer(changed, self.finalizer)
        await self.client.update(self.gvr, changed)


class PersistentVolumeProtection(_Protection):
    name = "persistentvolume-protection-controller"
    queue_name = "pvprotection"
    account = "pv-protection-controller"
    gvr = PERSISTENT_VOLUMES
    finalizer = "kubernetes.io/pv-protection"

    async def is_used(self, obj: Object) -> bool:
        return (obj.get("status") or {}).get("phase") == "Bound"


class PersistentVolumeClaimProtection(_Protection):
    """A pod counts from when it has a node on: a kubelet starts no pod whose claim is being deleted."""

    name = "persistentvolumeclaim-protection-controller"
    queue_name = "pvcprotection"
    account = "pvc-protection-controller"
    gvr = PERSISTENT_VOLUME_CLAIMS
    finalizer = "kubernetes.io/pvc-protection"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.pods = self.informer(PODS)
        self.pods.add_index(_BY_CLAIM, _claim_keys)
        self.pods.add_handler(on_update=self._changed, on_delete=lambda pod: self.released(_claim_keys(pod)))

    def _changed(self, old: Object, new: Object) -> None:
        if meta.uid(old) != meta.uid(new):
            self.released(_claim_keys(old))
        if state.is_terminal(new) or meta.is_deleting(new):
            self.released(_claim_keys(new))

    async def is_used(self, obj: Object) -> bool:
        """What memory does not know, the server may: it is asked before a claim is let go."""
        if any(uses(pod, obj) for pod in self.pods.by_index(_BY_CLAIM, meta.key(obj))):
            return True
        listed = await self.client.list(PODS, meta.namespace(obj))
        return any(uses(pod, obj) for pod in listed["items"])


class VolumeAttributesClassProtection(_Protection):
    name = "volumeattributesclass-protection-controller"
    queue_name = "vacprotection"
    account = "volumeattributesclass-protection-controller"
    gvr = VOLUME_ATTRIBUTES_CLASSES
    finalizer = "kubernetes.io/vac-protection"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.users: list[Informer] = [self.informer(PERSISTENT_VOLUMES), self.informer(PERSISTENT_VOLUME_CLAIMS)]
        for informer in self.users:
            informer.add_index(_BY_CLASS, _class_names)
            informer.add_handler(on_update=self._changed, on_delete=lambda user: self.released(_class_names(user)))

    def _changed(self, old: Object, new: Object) -> None:
        self.released(name for name in _class_names(old) if name not in _class_names(new))

    async def is_used(self, obj: Object) -> bool:
        return any(informer.by_index(_BY_CLASS, meta.name(obj)) for informer in self.users)


def _claims(pod: Object) -> Iterator[tuple[str, bool]]:
    """The names of a pod's claims, and whether each is the pod's own."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            yield volume["persistentVolumeClaim"].get("claimName") or "", False
        elif volume.get("ephemeral") is not None:
            yield f"{meta.name(pod)}-{volume['name']}", True


def _claim_keys(pod: Object) -> list[str]:
    return [f"{meta.namespace(pod)}/{name}" for name, _ in _claims(pod)]


def uses(pod: Object, claim: Object) -> bool:
    """Whether a pod holds a claim that is being deleted."""
    if not state.node_name(pod):
        return False
    for name, own in _claims(pod):
        if name != meta.name(claim):
            continue
        if not own or (not _is_shut_down(pod) and meta.is_controlled_by(claim, pod)):
            return True
    return False


def _is_shut_down(pod: Object) -> bool:
    return meta.is_deleting(pod) and pod["metadata"].get("deletionGracePeriodSeconds") == 0


def _class_names(user: Object) -> list[str]:
    """The classes that a volume or a claim names."""
    spec, status = user.get("spec") or {}, user.get("status") or {}
    found = (
        spec.get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
    )
    return list(dict.fromkeys(name for name in found if name))
