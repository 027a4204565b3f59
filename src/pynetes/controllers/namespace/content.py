"""Deleting all objects of a namespace, of whatever type is served, pods before all else."""

import asyncio
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import PODS
from pynetes.client.discovery import APIResource, Discovered, discover
from pynetes.client.rest import Client
from pynetes.controllers.namespace.conditions import Outcome

Object = dict[str, Any]

FINALIZER_ESTIMATE = 15.0
PARALLEL = 8


class ContentDeleter:
    """One pass over a namespace: what is there is deleted, what stays is reported."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def delete_all(self, namespace: str) -> Outcome:
        outcome = Outcome()
        found = await discover(self._client)
        outcome.undiscovered += found.stale
        resources = _deletable(found)
        pods = [r for r in resources if r.gvr == PODS]
        if pods:
            await self._delete_type(pods[0], namespace, outcome)
            if outcome.remaining or outcome.errors:
                return outcome  # pods may need the rest (secrets, roles) to end in good order
        slots = asyncio.Semaphore(PARALLEL)

        async def delete(resource: APIResource) -> None:
            async with slots:
                await self._delete_type(resource, namespace, outcome)

        await asyncio.gather(*(delete(r) for r in resources if r.gvr != PODS))
        return outcome

    async def _delete_type(self, resource: APIResource, namespace: str, outcome: Outcome) -> None:
        try:
            items = await self._items(resource, namespace)
            if not items:
                return
            if resource.gvr == PODS:
                outcome.estimate = max(outcome.estimate, _grace(items))
            await self._delete(resource, namespace, items)
            left = await self._items(resource, namespace)
        except StatusError as error:
            if error.code not in (404, 405):  # a type that went away took its objects along
                outcome.errors.append(str(error))
            return
        outcome.count(resource.gvr, left)
        if any(meta.finalizers(item) for item in left):
            outcome.estimate = max(outcome.estimate, FINALIZER_ESTIMATE)

    async def _items(self, resource: APIResource, namespace: str) -> list[Object]:
        whole = resource.gvr == PODS  # for the grace periods
        listed = await self._client.list(resource.gvr, namespace, metadata_only=not whole)
        items: list[Object] = listed["items"]
        return items

    async def _delete(self, resource: APIResource, namespace: str, items: list[Object]) -> None:
        if "deletecollection" in resource.verbs:
            try:
                await self._client.delete_collection(resource.gvr, namespace, propagation_policy="Background")
                return
            except StatusError as error:
                if error.code != 405:
                    raise
        for item in items:
            try:
                await self._client.delete(resource.gvr, meta.name(item), namespace, propagation_policy="Background")
            except StatusError as error:
                if error.code not in (404, 409):
                    raise


def _deletable(found: Discovered) -> list[APIResource]:
    return [r for r in found.preferred("delete", "list") if r.namespaced]


def _grace(pods: list[Object]) -> float:
    """The longest time a pod may take to end."""
    longest = 0
    for pod in pods:
        if ((pod.get("status") or {}).get("phase")) in ("Succeeded", "Failed"):
            continue
        longest = max(longest, (pod.get("spec") or {}).get("terminationGracePeriodSeconds") or 0)
    return float(longest)
