"""How many pods the controllers of some pods want together."""

from collections.abc import Iterable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource, split_api_version
from pynetes.apis.names import DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS
from pynetes.client.discovery import Discovered, discover
from pynetes.client.informer import Informer, InformerFactory
from pynetes.client.rest import Client

Object = dict[str, Any]

_KNOWN: dict[tuple[str, str], GroupVersionResource] = {
    ("", "ReplicationController"): REPLICATION_CONTROLLERS,
    ("apps", "Deployment"): DEPLOYMENTS,
    ("apps", "ReplicaSet"): REPLICA_SETS,
    ("apps", "StatefulSet"): STATEFUL_SETS,
}


class NoScale(Exception):
    """A controller is not there, or does not tell how many pods it wants; the message says which."""


class Scales:
    """Reads the four controllers that everybody knows from informers, others' Scale from the API server."""

    def __init__(self, client: Client, informers: dict[GroupVersionResource, Informer]) -> None:
        self._client = client
        self._informers = informers
        self._discovered = Discovered(())

    @staticmethod
    def informers(shared: InformerFactory) -> dict[GroupVersionResource, Informer]:
        return {gvr: shared.informer(gvr) for gvr in _KNOWN.values()}

    async def of(self, pods: Iterable[Object]) -> tuple[int, list[str]]:
        """The sum over the pods' controllers, and the names of pods that have none. NoScale."""
        scales: dict[str, int] = {}
        unmanaged: list[str] = []
        asked: set[str] = set()
        for pod in pods:
            reference = meta.controller_of(pod)
            if reference is None:
                unmanaged.append(meta.name(pod))
            elif reference["uid"] not in asked:
                asked.add(reference["uid"])
                uid, scale = await self._scale(reference, pod)
                scales[uid] = scale
        return sum(scales.values()), unmanaged

    async def _scale(self, reference: Object, pod: Object) -> tuple[str, int]:
        group = split_api_version(reference["apiVersion"])[0]
        gvr = _KNOWN.get((group, reference["kind"]))
        if gvr is None:
            return await self._custom(reference, pod)
        owner = self._owner(gvr, reference, meta.namespace(pod))
        if owner is None:
            raise NoScale(f'found no controllers for pod "{meta.name(pod)}"')
        above = meta.controller_of(owner)
        if gvr == REPLICA_SETS and above is not None and above["kind"] == "Deployment":
            owner = self._owner(DEPLOYMENTS, above, meta.namespace(pod)) or owner
        return meta.uid(owner), (owner.get("spec") or {}).get("replicas", 1)

    def _owner(self, gvr: GroupVersionResource, reference: Object, namespace: str) -> Object | None:
        found = self._informers[gvr].get(f"{namespace}/{reference['name']}")
        return found if found is not None and meta.uid(found) == reference["uid"] else None

    async def _custom(self, reference: Object, pod: Object) -> tuple[str, int]:
        resource = self._discovered.by_kind(reference["apiVersion"], reference["kind"])
        if resource is None:
            self._discovered = await discover(self._client)
            resource = self._discovered.by_kind(reference["apiVersion"], reference["kind"])
        if resource is None:
            raise NoScale(f'no matches for kind "{reference["kind"]}" in version "{reference["apiVersion"]}"')
        try:
            scale = await self._client.get(resource.gvr, reference["name"], meta.namespace(pod), subresource="scale")
        except StatusError as error:
            if error.code != 404:
                raise
            raise NoScale(f"{resource.gvr.group_resource} does not implement the scale subresource") from None
        if meta.uid(scale) != reference["uid"]:
            raise NoScale(f'found no controllers for pod "{meta.name(pod)}"')
        return reference["uid"], (scale.get("spec") or {}).get("replicas", 0)
