"""garbage-collector-controller: background, foreground and orphaning deletion.

The graph says whom to look at; whether an owner really is gone is always asked of the API server.
"""

import asyncio
import logging
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS
from pynetes.client.controller import Controller
from pynetes.client.discovery import APIResource, Discovered, DiscoveryFailed, discover
from pynetes.client.eventcorrelator import LRU
from pynetes.client.events import WARNING
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.garbagecollector.graph import FOREGROUND, ORPHAN, Graph, Identity, Node, Work, identity_of
from pynetes.controllers.garbagecollector.monitors import Monitors
from pynetes.controllers.garbagecollector.references import Delete, DropReferences, OwnerState, decide, owner_state

log = logging.getLogger(__name__)

Object = dict[str, Any]

DISCOVERY_PERIOD = 60.0
SETTLE = 1.0
"""Seconds after a change of a CustomResourceDefinition before the served types are read again."""
SYNC_TIMEOUT = 30.0
_DELETE, _ORPHAN = "delete/", "orphan/"


class UnknownKind(Exception):
    """An owner reference names a type that is not served (yet)."""


class InvalidOwner(Exception):
    """A cluster-scoped object names an owner in a namespace: which one, nobody knows."""


class GarbageCollector(BaseController):
    """Keys are `delete/<uid>` and `orphan/<uid>`."""

    name = "garbage-collector-controller"
    queue_name = "garbage_collector_attempt_to_delete"
    account = "generic-garbage-collector"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_gc_syncs)
        self.recorder = context.recorder(self.account, self.name)
        self.graph = Graph()
        self._discovered = Discovered(())
        self._absent: LRU[bool] = LRU(500)
        self._types_changed = asyncio.Event()
        for gvr in (CUSTOM_RESOURCE_DEFINITIONS, API_SERVICES):
            self.informer(gvr).add_handler(
                lambda obj: self._types_changed.set(),
                lambda old, new: self._types_changed.set(),
                lambda obj: self._types_changed.set(),
            )

    async def run(self) -> None:
        await self.wait_for_sync()
        async with Tasks(self.name) as tasks:
            monitors = Monitors(self.client, self.context.informers, tasks, self._seen, self._gone)
            await self._refresh(monitors)
            await monitors.wait_for_sync(SYNC_TIMEOUT)
            tasks.start(self._follow_types(monitors), name="types")
            await Controller(self.name, self.queue, self.sync, workers=self._workers).run()

    # -- types

    async def _follow_types(self, monitors: Monitors) -> None:
        while True:
            try:
                async with asyncio.timeout(DISCOVERY_PERIOD):
                    await self._types_changed.wait()
                    await clock.sleep(SETTLE)
            except TimeoutError:
                pass
            self._types_changed.clear()
            await self._refresh(monitors)

    async def _refresh(self, monitors: Monitors) -> None:
        try:
            self._discovered = await discover(self.client)
        except (DiscoveryFailed, StatusError, TransportError) as error:
            log.warning("garbage collector: cannot read the served types: %s", error)
            return
        monitors.update(self._discovered)

    def _resource(self, api_version: str, kind: str) -> APIResource:
        found = self._discovered.by_kind(api_version, kind)
        if found is None:
            self._types_changed.set()
            raise UnknownKind(f'no matches for kind "{kind}" in version "{api_version}"')
        return found

    # -- what the monitors say

    def _seen(self, resource: APIResource, obj: Object) -> None:
        identity = identity_of(obj, resource.gvr.api_version, resource.kind)
        self._look(self.graph.put(identity, obj))

    def _gone(self, resource: APIResource, obj: Object) -> None:
        node = self.graph.get(meta.uid(obj))
        if node is not None and node.dependents:
            self._absent.put(_key(node.identity), True)
        self._look(self.graph.remove(meta.uid(obj)))

    def _look(self, work: Work) -> None:
        for uid in work.delete:
            self.queue.add(_DELETE + uid)
        for uid in work.orphan:
            self.queue.add(_ORPHAN + uid)

    # -- sync

    async def sync(self, key: str) -> None:
        action, _, uid = key.partition("/")
        node = self.graph.get(uid)
        if node is None:
            return
        if action == "orphan":
            await self._orphan(node)
        else:
            await self._consider(node)

    async def _consider(self, node: Node) -> None:
        """Deletes an object that has no owner left, or goes on with its foreground deletion."""
        if node.deleting and not node.deleting_dependents:
            return
        try:
            live = await self._get(node.identity)
        except InvalidOwner:
            self._forget_virtual(node)  # those who name it so are told in an event
            return
        if live is None or meta.uid(live) != node.uid:
            if node.virtual:
                self._absent.put(_key(node.identity), True)
                self._forget_virtual(node)
            return  # else the informer will say so
        if node.deleting_dependents:
            await self._continue_foreground(node, live)
            return
        references = meta.owner_references(live)
        if not references or meta.is_deleting(live):
            return
        try:
            owners = {ref["uid"]: await self._owner_state(ref, node) for ref in references}
        except InvalidOwner as error:
            self.recorder.event(_reference(node.identity), WARNING, "OwnerRefInvalidNamespace", str(error))
            return
        decision = decide(live, owners, bool(node.dependents))
        if isinstance(decision, DropReferences):
            await self._drop_references(node.identity, live, decision.uids)
        elif isinstance(decision, Delete):
            if decision.unblock:
                await self._unblock(node)
            await self._delete(node.identity, live, decision.policy)

    def _forget_virtual(self, node: Node) -> None:
        """An owner that never was: its dependents find out for themselves."""
        for uid in node.dependents:
            self.queue.add(_DELETE + uid)

    async def _owner_state(self, ref: Object, dependent: Node) -> OwnerState:
        resource = self._resource(ref["apiVersion"], ref["kind"])
        namespace = dependent.identity.namespace if resource.namespaced else ""
        if resource.namespaced and not namespace:
            raise InvalidOwner(
                f"ownerRef [{resource.gvr.api_version}/{ref['kind']}, namespace: , name: {ref['name']}, "
                f'uid: {ref["uid"]}] does not exist in namespace ""'
            )
        identity = Identity(ref["apiVersion"], ref["kind"], namespace, ref["name"], ref["uid"])
        if self._absent.get(_key(identity)):
            return OwnerState.DANGLING
        found = owner_state(await self._get(identity), ref["uid"])
        if found is OwnerState.DANGLING:
            self._absent.put(_key(identity), True)
        return found

    async def _continue_foreground(self, node: Node, live: Object) -> None:
        """Ends a foreground deletion when nothing blocks it any more, else presses the dependents on."""
        blocking = self.graph.blocking_dependents(node)
        if not blocking:
            await self._remove_finalizer(node.identity, live, FOREGROUND)
            return
        for dependent in blocking:
            if not dependent.deleting_dependents:
                self.queue.add(_DELETE + dependent.uid)

    async def _unblock(self, node: Node) -> None:
        """This object's dependents that wait for their own dependents must not block it."""
        for uid in node.dependents:
            dependent = self.graph.get(uid)
            if dependent is None or not dependent.deleting_dependents:
                continue
            live = await self._get(dependent.identity)
            if live is None:
                continue
            references = meta.copy(meta.owner_references(live))
            for ref in references:
                ref["blockOwnerDeletion"] = False
            await self._patch(dependent.identity, live, {"ownerReferences": references})

    async def _orphan(self, node: Node) -> None:
        """Lets all dependents go, then the object."""
        for uid in list(node.dependents):
            dependent = self.graph.get(uid)
            if dependent is None:
                continue
            live = await self._get(dependent.identity)
            if live is not None and meta.uid(live) == uid:
                await self._drop_references(dependent.identity, live, frozenset((node.uid,)))
        owner = await self._get(node.identity)
        if owner is not None and meta.uid(owner) == node.uid:
            await self._remove_finalizer(node.identity, owner, ORPHAN)

    # -- requests

    async def _get(self, identity: Identity) -> Object | None:
        """The object's metadata as it is now; None if there is none of that name."""
        resource = self._resource(identity.api_version, identity.kind)
        namespace = identity.namespace if resource.namespaced else None
        if resource.namespaced and not namespace:
            raise InvalidOwner(identity.name)
        try:
            return await self.client.get(resource.gvr, identity.name, namespace, metadata_only=True)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    async def _patch(self, identity: Identity, live: Object, changes: Object) -> None:
        resource = self._resource(identity.api_version, identity.kind)
        metadata = {"resourceVersion": meta.resource_version(live), "uid": meta.uid(live), **changes}
        try:
            await self.client.patch(
                resource.gvr, identity.name, {"metadata": metadata}, meta.namespace(live) or None, type="merge"
            )
        except StatusError as error:
            if error.code != 404:
                raise

    async def _drop_references(self, identity: Identity, live: Object, uids: frozenset[str]) -> None:
        left = [ref for ref in meta.owner_references(live) if ref["uid"] not in uids]
        if len(left) != len(meta.owner_references(live)):
            await self._patch(identity, live, {"ownerReferences": left or None})

    async def _remove_finalizer(self, identity: Identity, live: Object, finalizer: str) -> None:
        left = [entry for entry in meta.finalizers(live) if entry != finalizer]
        if len(left) != len(meta.finalizers(live)):
            await self._patch(identity, live, {"finalizers": left or None})

    async def _delete(self, identity: Identity, live: Object, policy: str) -> None:
        """Only the object that was judged: another of its name, or one with new owners since, stays."""
        resource = self._resource(identity.api_version, identity.kind)
        try:
            await self.client.delete(
                resource.gvr,
                identity.name,
                meta.namespace(live) or None,
                propagation_policy=policy,
                uid=meta.uid(live),
                resource_version=meta.resource_version(live),
            )
        except StatusError as error:
            if error.code != 404:
                raise


def _key(identity: Identity) -> tuple[str, ...]:
    return identity.api_version, identity.kind, identity.namespace, identity.name, identity.uid


def _reference(identity: Identity) -> Object:
    return {
        "apiVersion": identity.api_version,
        "kind": identity.kind,
        "namespace": identity.namespace,
        "name": identity.name,
        "uid": identity.uid,
    }
