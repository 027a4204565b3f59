"""Strategy: what a kind does with an object on its way into the store.

The registry of the API server calls, in this order: `default` after decoding; on create `prepare_for_create`,
`validate`, `warnings`; on update `prepare_for_update`, `validate_update`, `warnings`; on the status subresource
`prepare_for_status_update`, `validate_status_update`. Methods that prepare mutate `obj`; those that validate do not.
`old` is never mutated: what is taken over from it is copied.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.equality import semantic_equal

Object = dict[str, Any]
CHANGE, WHOLE = frozenset(("change",)), frozenset(("whole",))
BOTH = CHANGE | WHOLE
TWICE = WHOLE | {"again"}
NameRule = Callable[[str], list[str]]
DropFields = Callable[[Object, Object | None], None]

METADATA_FIELDS = frozenset(("metadata.name", "metadata.namespace"))
RESET_METADATA = frozenset(("deletionTimestamp", "labels", "annotations", "finalizers", "ownerReferences"))
_NOT_DESIRED = frozenset(("metadata", "status", "apiVersion", "kind"))


def take_over(obj: Object, old: Object, *fields: str) -> None:
    """Sets top-level fields of `obj` back to what `old` has."""
    for field in fields:
        if field in old:
            obj[field] = copy(old[field])
        else:
            obj.pop(field, None)


def desired_state_changed(obj: Object, old: Object) -> bool:
    """Whether anything but metadata and status differs."""
    fields = (obj.keys() | old.keys()) - _NOT_DESIRED
    return any(not semantic_equal(obj.get(f), old.get(f), f) for f in fields)


class Requester(Protocol):
    """Who sends a request, as the API server has authenticated it."""

    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def extra(self) -> Mapping[str, Sequence[str]]: ...


def _no_field(obj: Object, old: Object | None) -> None:
    """For kinds without fields of such features."""


class Strategy:
    """Rules that hold for most kinds; a kind's own strategy overrides what differs."""

    has_status: bool = False
    """The kind has a status subresource: writers of the object do not touch status, and the other way round."""
    maintains_generation: ClassVar[bool] = False
    """metadata.generation starts at 1 and counts changes of the desired state. Many kinds have none."""
    templated: ClassVar[bool] = False
    """Many objects are made of one template: a spec that comes again is decoded and given its defaults once. So what
    `default` does is about the spec alone, but for what `default_beyond_spec` does."""
    allow_create_on_update: ClassVar[bool] = False
    allow_unconditional_update: ClassVar[bool] = True
    default_deletion_propagation: ClassVar[str] = "Background"
    """Background, Orphan, or `` where owner references and propagation mean nothing (events)."""
    deletion_warning: ClassVar[str] = ""
    """What one is warned of who deletes without saying what becomes of dependents."""
    selectable: frozenset[str] = METADATA_FIELDS
    """Field selectors that the kind supports."""
    not_selectable: ClassVar[str] = "field label not supported: {}"
    """What is said of another field, by a kind that supports more than those of the metadata."""
    status_keeps_metadata: ClassVar[frozenset[str]] = frozenset()
    """Fields of metadata that an update of the status cannot change."""
    name_rule: NameRule = staticmethod(names.dns1123_subdomain)
    drop_disabled_fields: DropFields = staticmethod(_no_field)
    """Takes out what belongs to features that are off, unless the stored object (None for a new one) has it; called
    before an object is prepared."""
    checks_generate_name: ClassVar[bool] = True
    own_metadata_rules: ClassVar[bool] = True
    """False: metadata is only looked at, and not closely, when nothing else is wrong."""
    update_metadata: ClassVar[frozenset[str]] = BOTH
    """What of its metadata a kind looks at in an update once more, after what is looked at for all kinds: `change`
    (what has changed), `whole` (all of it, as in a create), `again` (that a second time). Clients see an error once for
    each time."""
    status_metadata: ClassVar[frozenset[str]] = CHANGE
    """The same for an update of the status."""
    qualified_finalizers: ClassVar[bool] = True
    """Finalizers must name a domain. Many kinds do not ask for it; custom resources are only warned."""

    def default(self, obj: Object) -> None:
        """Fills in what the client left out."""

    def default_beyond_spec(self, obj: Object) -> None:
        """The same for all but the spec of a `templated` kind."""

    def prepare_for_create(self, obj: Object) -> None:
        if self.has_status:
            obj["status"] = {}
        if self.maintains_generation:
            obj["metadata"]["generation"] = 1

    def record_requester(self, obj: Object, requester: Requester) -> None:
        """Kinds that tell who created them write it down here; called after `prepare_for_create`."""

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        if self.has_status:
            take_over(obj, old, "status")
        self.keep_generation(obj, old)
        if self.maintains_generation and self.generation_changes(obj, old):
            obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        """Status comes from the request, and metadata but for `status_keeps_metadata` (kubelets label and annotate
        their node through its status, upstream allows it for most kinds)."""
        take_over(obj, old, *((obj.keys() | old.keys()) - _NOT_DESIRED))
        take_over(obj["metadata"], old["metadata"], *self.status_keeps_metadata)
        self.keep_generation(obj, old)

    def validate(self, obj: Object) -> list[FieldError]:
        return []

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(obj)

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return []

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        return []

    def canonicalize(self, obj: Object) -> None:
        """Brings an object that passed validation into the one form that is stored."""

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        meta = obj.get("metadata") or {}
        return {"metadata.name": meta.get("name") or "", "metadata.namespace": meta.get("namespace") or ""}

    def graceful_seconds(self, obj: Object, options: Object) -> int | None:
        """How long a delete waits for somebody to finish the object off; None deletes at once."""
        return None

    def generation_changes(self, obj: Object, old: Object) -> bool:
        return desired_state_changed(obj, old)

    @staticmethod
    def keep_generation(obj: Object, old: Object) -> None:
        """Clients never set the generation."""
        generation = old["metadata"].get("generation")
        if generation is None:
            obj["metadata"].pop("generation", None)
        else:
            obj["metadata"]["generation"] = generation
