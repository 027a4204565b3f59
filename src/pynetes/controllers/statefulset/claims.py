"""PersistentVolumeClaims of a StatefulSet: created with their pods, kept or let go by the retention policy."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import PERSISTENT_VOLUME_CLAIMS
from pynetes.client.events import NORMAL, WARNING, EventRecorder
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.controllers.statefulset import identity

Object = dict[str, Any]


class ClaimIsLeaving(Exception):
    """A claim of this name is being deleted: the pod must wait for its own."""


def wanted_owners(stateful_set: Object, pod: Object, references: list[Object]) -> list[Object]:
    """The owner references a claim should have. Foreign controllers' claims are left to them."""
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    when_deleted, when_scaled = policy.get("whenDeleted") or "Retain", policy.get("whenScaled") or "Retain"
    ours = {meta.uid(stateful_set), meta.uid(pod)}
    others = [ref for ref in references if ref["uid"] not in ours]
    if any(ref.get("controller") for ref in others):
        return others
    scaled_down = identity.ordinal(pod) not in identity.ordinals(stateful_set)
    if when_scaled == "Delete" and scaled_down:
        return [*others, meta.owner_reference(pod)]
    if when_deleted == "Delete" and not (when_scaled == "Delete" and scaled_down):
        return [*others, meta.owner_reference(stateful_set)]
    return others


class Claims:
    """Reads claims from the cache, writes them to the API server."""

    def __init__(self, client: Client, informer: Informer, recorder: EventRecorder) -> None:
        self._client = client
        self._informer = informer
        self._recorder = recorder

    async def ensure(self, stateful_set: Object, index: int) -> None:
        """Creates the missing claims of an ordinal."""
        pod = identity.pod_name(stateful_set, index)
        for claim in identity.claims(stateful_set, index):
            present = self._informer.get(meta.key(claim))
            if present is not None:
                if meta.is_deleting(present):
                    raise ClaimIsLeaving(f"pvc {meta.key(claim)} is being deleted")
                continue
            names = f"Claim {meta.name(claim)} Pod {pod} in StatefulSet {meta.name(stateful_set)}"
            try:
                await self._client.create(PERSISTENT_VOLUME_CLAIMS, claim)
            except StatusError as error:
                if error.reason == "AlreadyExists":
                    continue
                text = (
                    f"create Claim {meta.name(claim)} for Pod {pod} in StatefulSet {meta.name(stateful_set)} "
                    f"failed error: {error}"
                )
                self._recorder.event(stateful_set, WARNING, "FailedCreate", text)
                raise
            self._recorder.event(stateful_set, NORMAL, "SuccessfulCreate", f"create {names} success")

    async def retain(self, stateful_set: Object, pod: Object) -> None:
        """Brings the owners of a pod's claims in line with the retention policy."""
        for claim in identity.claims(stateful_set, identity.ordinal(pod)):
            present = self._informer.get(meta.key(claim))
            if present is None:
                continue
            references = meta.owner_references(present)
            wanted = wanted_owners(stateful_set, {"apiVersion": "v1", "kind": "Pod", **pod}, references)
            if wanted != references:
                metadata = {**present["metadata"], "ownerReferences": wanted}
                await self._client.update(PERSISTENT_VOLUME_CLAIMS, {**present, "metadata": metadata})
