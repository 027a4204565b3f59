"""Who owns what after a write: the rules by which managers of fields gain, lose and contend. Pure.

A write takes what it changes from all others (an apply without force is refused instead), and what it removes from
everybody. An apply owns what its configuration states, and what it stated before but no longer does is removed from the
object unless somebody else owns it.
"""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.check import check
from pynetes.apimachinery.managedfields.compare import Comparison, compare
from pynetes.apimachinery.managedfields.entries import ManagerId, Managers, Owned
from pynetes.apimachinery.managedfields.extract import fields_of, reconcile, with_named_fields
from pynetes.apimachinery.managedfields.fieldset import EMPTY, FieldSet, Path
from pynetes.apimachinery.managedfields.items import TypedError
from pynetes.apimachinery.managedfields.merge import merge, remove
from pynetes.apimachinery.managedfields.types import Type

Object = dict[str, Any]
#: What is left of a set without the fields that the write's strategy resets.
Reset = Callable[[FieldSet], FieldSet]


class Versions(Protocol):
    """The versions of one kind. A version that is not served (any more) has no type and no conversion."""

    def type_of(self, api_version: str) -> Type | None:
        """None for a version that is not known."""

    def convert(self, obj: Object, api_version: str) -> Object:
        """The object in another version; LookupError if there is no way."""

    def zero(self, api_version: str) -> Object:
        """What an object that is not there yet is compared with."""

    def same(self, one: Object, other: Object) -> bool:
        """Whether two objects of one version say the same."""


class UpdateError(Exception):
    """An object that is not of its type in one of its versions; the text is the original's."""


class ConflictError(Exception):
    """Somebody else owns what an apply would change: (manager, path) pairs."""

    def __init__(self, conflicts: list[tuple[ManagerId, Path]]) -> None:
        super().__init__(f"{len(conflicts)} conflicts")
        self.conflicts = conflicts


class Updater(Struct, frozen=True):
    """The rules for one kind, written in `api_version`."""

    versions: Versions
    api_version: str
    reset: Reset | None = None

    @property
    def type(self) -> Type:
        found = self.versions.type_of(self.api_version)
        assert found is not None
        return found

    def update(self, live: Object, new: Object, managers: Managers, manager: ManagerId) -> Managers:
        """The managers after `manager` has written `new` by another verb than apply. TypedError."""
        managers = self._reconciled(managers)
        managers, changes = self._take(live, new, managers, manager, force=True)
        before = managers.get(manager)
        own = fieldset.difference(before.fields if before else EMPTY, changes.removed)
        own = self._filtered(fieldset.union(fieldset.union(own, changes.modified), changes.added))
        managers.pop(manager, None)
        if own:
            managers[manager] = Owned(own, self.api_version, False, before.time if before else "")
        return managers

    def created(self, new: Object) -> FieldSet:
        """What a create by another verb than apply writes, where nobody claims anything. TypedError."""
        changes = self._compared(self.versions.zero(self.api_version), new, self.api_version)
        return self._filtered(changes.written)

    def apply(
        self, live: Object, config: Object, managers: Managers, manager: ManagerId, *, force: bool
    ) -> tuple[Object, Managers]:
        """The object after an apply, and its managers. ConflictError; TypedError."""
        managers = self._reconciled(managers)
        last = managers.get(manager)
        merged = merge(live, config, self.type)
        own = self._filtered(fields_of(config, self.type))
        managers[manager] = Owned(own, self.api_version, True, last.time if last else "")
        if last is not None and not self._states_all(own, last, managers):
            merged = self._pruned(merged, managers, last)
        managers, _ = self._take(live, merged, managers, manager, force=force)
        return merged, managers

    def _filtered(self, fields: FieldSet) -> FieldSet:
        return self.reset(fields) if self.reset else fields

    def _reconciled(self, managers: Managers) -> Managers:
        """In line with the types of today; managers of versions that are gone are dropped."""
        out: Managers = {}
        for manager, owned in managers.items():
            kind = self.versions.type_of(owned.api_version)
            if kind is not None:
                fields = reconcile(owned.fields, kind)
                out[manager] = owned if fields is owned.fields else owned._replace(fields=fields)
        return out

    # --- who loses what

    def _take(
        self, live: Object, new: Object, managers: Managers, writer: ManagerId, *, force: bool
    ) -> tuple[Managers, Comparison]:
        compared = {self.api_version: self._compared(live, new, self.api_version)}
        out: Managers = {}
        conflicts: list[tuple[ManagerId, Path]] = []
        for manager, owned in managers.items():
            if manager == writer:
                out[manager] = owned
                continue
            changes = compared.get(owned.api_version)
            if changes is None:
                try:
                    before = self._converted(live, owned.api_version, "failed to convert old object")
                    after = self._converted(new, owned.api_version, "failed to convert new object")
                except LookupError:
                    continue
                changes = compared[owned.api_version] = self._compared(before, after, owned.api_version)
            contended = fieldset.intersection(owned.fields, changes.written)
            if contended and not force:
                conflicts += [(manager, path) for path in fieldset.paths(contended)]
            left = _left(owned, contended, changes)
            if left.fields:
                out[manager] = left
        if conflicts:
            conflicts.sort(key=lambda conflict: conflict[0].text)
            raise ConflictError(conflicts)
        if writer in out and not out[writer].fields:
            del out[writer]
        return out, compared[self.api_version]

    def _compared(self, live: Object, new: Object, api_version: str) -> Comparison:
        kind = self.versions.type_of(api_version)
        if kind is None:
            raise LookupError(api_version)
        changes = compare(live, new, kind)
        if self.reset is None or changes.same:
            return changes
        return Comparison(*(self.reset(fields) for fields in (changes.added, changes.modified, changes.removed)))

    def _converted(self, obj: Object, api_version: str, problem: str) -> Object:
        """In another version, whose type it must be of. LookupError for one that is not served."""
        if obj.get("apiVersion") == api_version:
            return obj
        converted, kind = self.versions.convert(obj, api_version), self.versions.type_of(api_version)
        if kind is None:
            raise LookupError(api_version)
        try:
            check(converted, kind)
        except TypedError as error:
            raise UpdateError(f"{problem}: {error}") from None
        return converted

    # --- what an apply no longer states

    def _states_all(self, own: FieldSet, last: Owned, managers: Managers) -> bool:
        """Whether an applier states all that it stated before, so that nothing can go: what controllers mostly do. Only
        where one version is all there is, since conversions may have a say."""
        if fieldset.difference(last.fields, own):
            return False
        return not last.fields or all(owned.api_version == self.api_version for owned in (last, *managers.values()))

    def _pruned(self, merged: Object, managers: Managers, last: Owned) -> Object:
        """Without what the applier stated last time, unless it or another does so now."""
        version = last.api_version
        kind = self.versions.type_of(version)
        problem = "failed to prune fields: failed to convert merged object to last applied version"
        try:
            whole = self._converted(merged, version, problem)
        except LookupError:
            return merged
        assert kind is not None
        pruned = remove(whole, with_named_fields(last.fields, kind), kind)
        pruned = self._with_owned(whole, pruned, version, managers)
        pruned = _with_dangling(whole, pruned, last.fields, kind)
        return self._converted(pruned, self.api_version, "failed to prune fields")

    def _with_owned(self, whole: Object, pruned: Object, version: str, managers: Managers) -> Object:
        """Gives back what any manager owns: first in the pruned version, so that it can be converted to others."""
        by_version: dict[str, FieldSet] = {version: EMPTY}
        for owned in managers.values():
            by_version[owned.api_version] = fieldset.union(by_version.get(owned.api_version, EMPTY), owned.fields)
        for api_version, fields in by_version.items():
            kind = self.versions.type_of(api_version)
            problem = "failed to prune fields: failed add back owned items: failed to convert {} object at version {}"
            try:
                all_ = self._converted(whole, api_version, problem.format("merged", api_version))
                left = self._converted(pruned, api_version, problem.format("pruned", api_version))
            except LookupError:
                continue
            if kind is None:
                continue
            kept = fieldset.union(_named(left, kind), with_named_fields(fields, kind))
            pruned = remove(all_, fieldset.difference(_named(all_, kind), kept), kind)
        return self._converted(pruned, version, "failed to prune fields: failed add back dangling items")


def _left(owned: Owned, contended: FieldSet, changes: Comparison) -> Owned:
    lost = fieldset.union(contended, fieldset.intersection(owned.fields, changes.removed))
    return owned._replace(fields=fieldset.difference(owned.fields, lost)) if lost else owned


def _named(obj: Object, kind: Type) -> FieldSet:
    return with_named_fields(fields_of(obj, kind), kind)


def _with_dangling(whole: Object, pruned: Object, last: FieldSet, kind: Type) -> Object:
    """Gives back what went with a removed parent though the applier had never stated it."""
    gone = fieldset.difference(_named(whole, kind), _named(pruned, kind))
    return remove(whole, fieldset.intersection(gone, with_named_fields(last, kind)), kind)
