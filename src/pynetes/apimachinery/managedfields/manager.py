"""FieldManager: what a server asks on every write of a kind.

Around the `Updater`'s rules: names of managers, times, fields that nobody owns, objects whose fields are not tracked
yet, too many managers, and the annotation of kubectl's client-side apply. Pure: the time comes from the caller.
"""

from typing import Any

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import StatusError, bad_request
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.cap import cap
from pynetes.apimachinery.managedfields.check import check
from pynetes.apimachinery.managedfields.conflict import conflict_error
from pynetes.apimachinery.managedfields.entries import (
    APPLY,
    UPDATE,
    EntriesError,
    Entry,
    ManagerId,
    Managers,
    Owned,
    decode,
    encode,
    is_reset,
)
from pynetes.apimachinery.managedfields.fieldset import FieldSet
from pynetes.apimachinery.managedfields.items import TypedError
from pynetes.apimachinery.managedfields.last_applied import allowed_conflicts, follow
from pynetes.apimachinery.managedfields.types import Type
from pynetes.apimachinery.managedfields.updater import ConflictError, Reset, UpdateError, Updater, Versions
from pynetes.component.memo import ByText

Object = dict[str, Any]

#: Shapes of new objects that are remembered: a tree of dicts each, some kilobytes.
_SHAPES = 64
_CURRENT = ManagerId("", UPDATE)
_BEFORE_APPLY = "before-first-apply"
_KUBECTL = "kubectl"
#: Fields that have no owner.
_STRIPPED = fieldset.fields(
    "apiVersion",
    "kind",
    "metadata",
    "metadata.name",
    "metadata.namespace",
    "metadata.creationTimestamp",
    "metadata.selfLink",
    "metadata.uid",
    "metadata.clusterName",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.resourceVersion",
)


class FieldManager:
    """For one endpoint: a kind in one version, or one of its subresources.

    Objects are in the endpoint's version; stored ones carry their entries in metadata.managedFields.
    """

    def __init__(
        self, kind: GroupVersionKind, versions: Versions, *, subresource: str = "", reset: Reset | None = None
    ) -> None:
        self.kind = kind
        self.subresource = subresource
        self._versions = versions
        self._updater = Updater(versions, kind.api_version, reset)
        self._created_as: tuple[Type | None, ByText[FieldSet]] = (None, ByText(_SHAPES))

    def update(
        self, live: Object | None, new: Object, manager: str, now: str, *, claimed: Any = None
    ) -> list[Entry] | None:
        """The entries after a create (`live` None), update or patch; `new` is without entries.

        `claimed` are the entries that the client sent: it may take fields away from managers, but not spoil the list.
        An object that cannot be understood, in any version that managers wrote, loses its entries, not the write.
        """
        stored = _entries(live)
        managers = self._known(stored, claimed)
        if not managers and live is not None:
            return None
        try:
            if live is None and not managers:
                return self._created(new, manager, now)
            after = self._updated(self._bare(live), new, managers, manager, now)
        except (TypedError, UpdateError, LookupError):
            return None
        if after == managers and (claimed is None or claimed is stored):
            return stored
        return encode(after) or None

    def apply(self, live: Object | None, config: Object, manager: str, now: str, *, force: bool) -> Object:
        """The object after an apply, with its entries. StatusError: 400, 409 for conflicts, 500 for a configuration
        that is not of the kind."""
        kind = GroupVersionKind.of(config)
        if kind != self.kind:
            raise bad_request(f"invalid object type: {kind_text(kind)}")
        if isinstance(_metadata(config).get("managedFields"), list):
            raise bad_request("metadata.managedFields must be nil")
        updater = self._updater
        try:
            check(config, updater.type)
        except TypedError as error:
            raise StatusError(500, "", f"failed to create typed patch object ({described(config)}): {error}") from None
        try:
            obj, managers = self._applied(live, config, manager, now, force)
        except ConflictError as error:
            raise conflict_error(error) from None
        except UpdateError as error:
            raise StatusError(500, "", str(error)) from None
        except TypedError as error:
            raise StatusError(500, "", f"failed to merge config: {error}") from None
        if manager == _KUBECTL:
            follow(obj, config)
        return _with_entries(obj, encode(managers) or None)

    # --- the parts

    def _known(self, stored: list[Entry] | None, claimed: Any) -> Managers:
        if claimed is not None and claimed is not stored and not self.subresource:
            if is_reset(claimed):
                return {}
            try:
                managers = decode(claimed, stored)
            except EntriesError:
                managers = {}
            if managers:
                return managers
        try:
            return decode(stored, stored)
        except EntriesError:
            return {}

    def _bare(self, live: Object | None) -> Object:
        """A stored object without its entries; the zero object for one that is not there."""
        return self._versions.zero(self.kind.api_version) if live is None else _with_entries(live, None)

    def _identity(self, manager: str, operation: str) -> ManagerId:
        version = self.kind.api_version if operation == UPDATE else ""
        return ManagerId(manager or "unknown", operation, version, self.subresource)

    def _created(self, new: Object, manager: str, now: str) -> list[Entry] | None:
        fields = self._fields_of_new(new)
        if not fields:
            return None
        return encode({self._identity(manager, UPDATE): Owned(fields, self.kind.api_version, False, now)})

    def _fields_of_new(self, new: Object) -> FieldSet:
        """What a create owns. Controllers make many objects of one template: those of one shape own the same."""
        if not new.get("spec"):
            return fieldset.difference(self._updater.created(new), _STRIPPED)
        kind, known = self._created_as
        current = self._versions.type_of(self.kind.api_version)
        if current is not kind:
            self._created_as = current, known = current, ByText(_SHAPES)
        return known.get(_shape(new), lambda: fieldset.difference(self._updater.created(new), _STRIPPED))

    def _updated(self, live: Object, new: Object, managers: Managers, manager: str, now: str) -> Managers:
        """Capped; the writer's entry is that of its earlier writes and this one."""
        after = _stripped(self._updater.update(live, new, managers, _CURRENT), _CURRENT)
        written = after.pop(_CURRENT, None)
        if written is not None:
            own = self._identity(manager, UPDATE)
            earlier = after.get(own)
            fields = fieldset.union(written.fields, earlier.fields) if earlier else written.fields
            after[own] = Owned(fields, written.api_version, False, now)
        return cap(after)

    def _applied(
        self, live: Object | None, config: Object, manager: str, now: str, force: bool
    ) -> tuple[Object, Managers]:
        own = self._identity(manager, APPLY)
        before = {"apiVersion": self.kind.api_version, "kind": self.kind.kind} if live is None else self._bare(live)
        stored = _entries(live)
        managers = decode(stored, stored)
        if not managers and live is not None:
            zero = self._versions.zero(self.kind.api_version)
            managers = self._updated(zero, before, {}, _BEFORE_APPLY, now)
        try:
            obj, after = self._updater.apply(before, config, managers, own, force=force)
        except ConflictError as error:
            if manager != _KUBECTL:
                raise
            self._check_last_applied(before, error)
            obj, after = self._updater.apply(before, config, managers, own, force=True)
        after = _stripped(after, own)
        if own in after and not self._versions.same(obj, before):
            after[own] = Owned(after[own].fields, after[own].api_version, True, now)
        return obj, after

    def _check_last_applied(self, live: Object, error: ConflictError) -> None:
        """Conflicts with what kubectl itself has applied on the client's side are none."""
        allowed = allowed_conflicts(live, self.kind.api_version, self._updater.type)
        if allowed is None:
            raise error
        left = [(owner, path) for owner, path in error.conflicts if not fieldset.has(allowed, path)]
        if left:
            raise ConflictError(left)


def _shape(obj: Object) -> bytes:
    """The text of an object without what makes no difference to whose its fields are: its name, and the values of its
    labels and annotations."""
    metadata = dict(obj["metadata"])
    metadata.pop("name", None)
    for field in ("labels", "annotations"):
        if isinstance(values := metadata.get(field), dict):
            metadata[field] = list(values)
    return json_writer.encode({**obj, "metadata": metadata})


def _entries(obj: Object | None) -> list[Entry] | None:
    found: list[Entry] | None = obj["metadata"].get("managedFields") if obj is not None else None
    return found


def _with_entries(obj: Object, entries: list[Entry] | None) -> Object:
    """A copy of the object's first two levels with other entries."""
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}


def _stripped(managers: Managers, manager: ManagerId) -> Managers:
    owned = managers.get(manager)
    if owned is None:
        return managers
    fields = fieldset.difference(owned.fields, _STRIPPED)
    if not fields:
        return {other: kept for other, kept in managers.items() if other != manager}
    return {**managers, manager: Owned(fields, owned.api_version, owned.applied, owned.time)}


def kind_text(kind: GroupVersionKind) -> str:
    return f"{kind.api_version}, Kind={kind.kind}" if kind.group else f"/{kind.version}, Kind={kind.kind}"


def _metadata(config: Object) -> Object:
    """Of a configuration, which may be anything."""
    found = config.get("metadata")
    return found if isinstance(found, dict) else {}


def described(obj: Object) -> str:
    """An object as the original's internal errors name it."""
    metadata = _metadata(obj)
    kind = GroupVersionKind.of(obj)
    return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {kind_text(kind)}"
