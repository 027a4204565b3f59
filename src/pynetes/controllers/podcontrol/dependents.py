"""What a controller's informers tell it about the objects it owns: whose sync they concern.

A change wakes the owner, a change of owner the previous one too, and an orphan all those whose selector it fits: one of
them may adopt it.
"""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.selectors import NOTHING, LabelSelector, from_label_selector
from pynetes.client.informer import Informer
from pynetes.controllers.podcontrol.expectations import Expectations

Object = dict[str, Any]
Noted = Callable[[Object, Object], None]


def selector_of(owner: Object) -> LabelSelector:
    """What an owner selects; an invalid selector selects nothing."""
    try:
        return from_label_selector(owner["spec"].get("selector"))
    except ValueError:
        return NOTHING


def selects(owner: Object, obj: Object) -> bool:
    """Whether an owner would adopt an orphan; an empty selector adopts nothing."""
    selector = selector_of(owner)
    return not selector.empty and selector.matches(meta.labels(obj))


def _nothing(owner: Object, obj: Object) -> None:
    pass


class Dependents:
    """Follows the informer of what objects of `kind` own.

    `added`, `updated` and `deleted` are told the owner and the object before the owner is enqueued, `unowned` of an
    object without an owner of this kind in the cache. An object that is being deleted counts as deleted, unless
    `until_gone` says that its owner waits for the end.
    """

    def __init__(
        self,
        owners: Informer,
        kind: str,
        enqueue: Callable[[Object], None],
        *,
        selects: Callable[[Object, Object], bool] = selects,
        added: Noted = _nothing,
        updated: Noted = _nothing,
        deleted: Noted = _nothing,
        unowned: Callable[[Object], None] | None = None,
        until_gone: bool = False,
    ) -> None:
        self._owners = owners
        self._kind = kind
        self._enqueue = enqueue
        self._selects = selects
        self._added = added
        self._updated = updated
        self._deleted = deleted
        self._unowned = unowned
        self._until_gone = until_gone

    def follow(self, informer: Informer) -> None:
        informer.add_handler(self._on_add, self._on_update, self._on_delete)

    def owner(self, obj: Object) -> Object | None:
        """The cached controller of an object, if it is of this kind and still the same one."""
        reference = meta.controller_of(obj)
        if reference is None or reference["kind"] != self._kind:
            return None
        found = self._owners.get(f"{meta.namespace(obj)}/{reference['name']}")
        return found if found is not None and meta.uid(found) == reference["uid"] else None

    def _on_add(self, obj: Object) -> None:
        if self._has_ended(obj):
            self._on_delete(obj)
            return
        if not self._note(self._added, obj):
            self._offer(obj)

    def _on_update(self, old: Object, new: Object) -> None:
        before, after = meta.controller_of(old), meta.controller_of(new)
        if before != after and (previous := self.owner(old)) is not None:
            if self._has_ended(new):
                self._deleted(previous, old)
            self._enqueue(previous)
        if self._has_ended(new):
            self._on_delete(new)
        elif not self._note(self._updated, new) and (before != after or meta.labels(old) != meta.labels(new)):
            self._offer(new)

    def _on_delete(self, obj: Object) -> None:
        self._note(self._deleted, obj)

    def _has_ended(self, obj: Object) -> bool:
        return not self._until_gone and meta.is_deleting(obj)

    def _note(self, noted: Noted, obj: Object) -> bool:
        """Tells of an object and wakes its owner; whether it has one."""
        owner = self.owner(obj)
        if owner is None:
            if self._unowned is not None:
                self._unowned(obj)
            return False
        noted(owner, obj)
        self._enqueue(owner)
        return True

    def _offer(self, obj: Object) -> None:
        """Wakes those who may want to adopt an orphan."""
        if meta.controller_of(obj) is not None or meta.is_deleting(obj):
            return
        for owner in self._owners.list(meta.namespace(obj)):
            if self._selects(owner, obj):
                self._enqueue(owner)


def expected(
    expectations: Expectations,
    owners: Informer,
    kind: str,
    enqueue: Callable[[Object], None],
    *,
    selects: Callable[[Object, Object], bool] = selects,
    unowned: Callable[[Object], None] | None = None,
) -> Dependents:
    """Dependents whose coming and going fulfils expectations."""
    return Dependents(
        owners,
        kind,
        enqueue,
        selects=selects,
        added=lambda owner, obj: expectations.creation_observed(meta.key(owner)),
        deleted=lambda owner, obj: expectations.deletion_observed(meta.key(owner), meta.key(obj)),
        unowned=unowned,
    )
