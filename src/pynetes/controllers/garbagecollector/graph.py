"""The owner graph: every object of the cluster with its owners and dependents, by uid.

An owner that is named but was never seen stands in it as a virtual node, until the API server says whether it exists.
Every change returns the nodes that deserve a look: `delete` for objects that may have to go (or whose foreground
deletion may go on), `orphan` for owners that want their dependents let go.
"""

from typing import Any

from msgspec import Struct, field

Object = dict[str, Any]

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Identity(Struct, frozen=True):
    """An object as an owner reference names it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


class Node(Struct):
    identity: Identity
    owners: list[Object] = field(default_factory=list)
    dependents: set[str] = field(default_factory=set)
    deleting: bool = False
    deleting_dependents: bool = False
    orphaning: bool = False
    virtual: bool = False

    @property
    def uid(self) -> str:
        return self.identity.uid


class Work(Struct):
    """Uids to look at."""

    delete: list[str] = field(default_factory=list)
    orphan: list[str] = field(default_factory=list)


def identity_of(obj: Object, api_version: str, kind: str) -> Identity:
    meta = obj["metadata"]
    return Identity(api_version, kind, meta.get("namespace") or "", meta["name"], meta["uid"])


class Graph:
    """Changed by events only; never asks anyone."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, uid: str) -> Node | None:
        return self._nodes.get(uid)

    def nodes(self) -> list[Node]:
        return list(self._nodes.values())

    def blocking_dependents(self, node: Node) -> list[Node]:
        """Dependents that must be gone before a foreground deletion ends."""
        found = []
        for uid in node.dependents:
            dependent = self._nodes[uid]
            if any(ref["uid"] == node.uid and ref.get("blockOwnerDeletion") for ref in dependent.owners):
                found.append(dependent)
        return found

    def put(self, identity: Identity, obj: Object) -> Work:
        """An object was seen, for the first time or changed."""
        work = Work()
        meta = obj["metadata"]
        owners: list[Object] = meta.get("ownerReferences") or []
        node = self._nodes.get(identity.uid)
        if node is None:
            node = self._nodes[identity.uid] = Node(identity)
        elif node.virtual:
            node.virtual = False
            work.delete += self._misnaming(node, identity)
            node.identity = identity
        self._set_owners(node, owners, work)
        self._set_deletion(node, meta, work)
        return work

    def remove(self, uid: str) -> Work:
        """An object is gone."""
        node = self._nodes.pop(uid, None)
        work = Work()
        if node is None:
            return work
        for ref in node.owners:
            owner = self._nodes.get(ref["uid"])
            if owner is None:
                continue
            owner.dependents.discard(uid)
            if owner.deleting_dependents:
                work.delete.append(owner.uid)
            self._drop_if_unused(owner)
        work.delete += node.dependents
        if node.dependents:  # they still name it: it stays as a virtual node until they are gone or let go
            self._nodes[uid] = Node(node.identity, dependents=node.dependents, virtual=True)
        return work

    def _misnaming(self, node: Node, identity: Identity) -> list[str]:
        """Dependents that name a virtual node otherwise than it turned out to be."""
        return [uid for uid in node.dependents if not self._names(self._nodes[uid], identity)]

    @staticmethod
    def _names(dependent: Node, owner: Identity) -> bool:
        return any(_matches(ref, dependent, owner) for ref in dependent.owners)

    def _set_owners(self, node: Node, owners: list[Object], work: Work) -> None:
        old = {ref["uid"]: ref for ref in node.owners}
        new = {ref["uid"]: ref for ref in owners}
        node.owners = owners
        for uid, ref in old.items():
            unblocked = bool(ref.get("blockOwnerDeletion")) and not (new.get(uid) or {}).get("blockOwnerDeletion")
            if uid not in new and (owner := self._nodes.get(uid)) is not None:
                owner.dependents.discard(node.uid)
                self._drop_if_unused(owner)
            if unblocked and uid in self._nodes:
                work.delete.append(uid)
        for uid, ref in new.items():
            if uid not in old:
                self._add_owner(node, ref, work)

    def _add_owner(self, node: Node, ref: Object, work: Work) -> None:
        owner = self._nodes.get(ref["uid"])
        if owner is None:
            identity = Identity(ref["apiVersion"], ref["kind"], node.identity.namespace, ref["name"], ref["uid"])
            owner = self._nodes[identity.uid] = Node(identity, virtual=True)
            work.delete.append(owner.uid)
        elif (not owner.virtual and not _matches(ref, node, owner.identity)) or owner.virtual:
            work.delete.append(node.uid)
        owner.dependents.add(node.uid)

    def _set_deletion(self, node: Node, meta: Object, work: Work) -> None:
        finalizers = meta.get("finalizers") or ()
        deleting = bool(meta.get("deletionTimestamp"))
        orphaning = deleting and ORPHAN in finalizers
        waiting = deleting and FOREGROUND in finalizers
        if orphaning and not node.orphaning:
            work.orphan.append(node.uid)
        if waiting and not node.deleting_dependents:
            work.delete += node.dependents
            work.delete.append(node.uid)
        node.deleting, node.orphaning, node.deleting_dependents = deleting, orphaning, waiting

    def _drop_if_unused(self, node: Node) -> None:
        if node.virtual and not node.dependents:
            self._nodes.pop(node.uid, None)


def _matches(ref: Object, dependent: Node, owner: Identity) -> bool:
    """Whether a reference names `owner` rightly; a cluster-scoped owner has no namespace to compare."""
    named = ref["uid"] == owner.uid and ref["kind"] == owner.kind and ref["name"] == owner.name
    group = ref["apiVersion"].rpartition("/")[0] == owner.api_version.rpartition("/")[0]
    return named and group and owner.namespace in ("", dependent.identity.namespace)
