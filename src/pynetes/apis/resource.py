"""Resource: all that the API server must know to serve a kind, except what the schema says.

`Column.description` may be a plain text or `schema_text("core.v1.PodStatus.podIP")`: a field's description in the
schema, looked up when it is first asked for (most processes never print a table).
"""

import base64
import hashlib
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import force_setattr

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apimachinery.times import human_duration, parse_time
from pynetes.apis.strategy import Object, Strategy
from pynetes.component import clock

__all__ = [
    "AGE",
    "CREATED_AT",
    "CREATE_ONLY",
    "NAME",
    "SCALE",
    "STATUS",
    "Column",
    "Object",
    "Resource",
    "ScalePaths",
    "SchemaText",
    "Strategy",
    "Subresource",
    "age_since",
    "schema_text",
]

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CREATE_ONLY = ("create",)
READ_WRITE = ("get", "patch", "update")
UNKNOWN_AGE = "<unknown>"


class SchemaText(Struct, frozen=True):
    """The description of a field of the schema: `core.v1.PodStatus.podIP`."""

    reference: str

    def text(self) -> str:
        return _schema_description(self.reference)


def schema_text(reference: str) -> SchemaText:
    return SchemaText(reference)


@cache
def _schema_description(reference: str) -> str:
    from pynetes.apimachinery import schema

    definition, _, field_name = reference.rpartition(".")
    prefix = "io.k8s." if definition.startswith(("apimachinery.", "apiextensions-", "kube-")) else "io.k8s.api."
    properties = schema.definition(prefix + definition).get("properties") or {}
    return str((properties.get(field_name) or {}).get("description") or "")


class Column:
    """One column of `kubectl get`. `cells` gives the cell of an object; priority 1 shows only with `-o wide`."""

    __slots__ = ("_description", "cells", "format", "name", "priority", "type")

    def __init__(
        self,
        name: str,
        cells: Callable[[Object], Any],
        type: str = "string",
        format: str = "",
        description: str | SchemaText = "",
        priority: int = 0,
    ) -> None:
        self.name = name
        self.cells = cells
        self.type = type
        self.format = format
        self.priority = priority
        self._description = description

    @property
    def description(self) -> str:
        return self._description if isinstance(self._description, str) else self._description.text()

    @property
    def source(self) -> str | SchemaText:
        """The description as it was given, for columns made from this one."""
        return self._description

    def definition(self) -> dict[str, Any]:
        """The `TableColumnDefinition`."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }

    def __repr__(self) -> str:
        return f"Column({self.name!r})"


def age_since(timestamp: str | None) -> str:
    """How long ago, as tables say it: `5d3h`."""
    if not timestamp:
        return UNKNOWN_AGE
    return human_duration((clock.now() - parse_time(timestamp)).total_seconds())


def _name(obj: Object) -> str:
    return str(obj["metadata"].get("name") or "")


def _age(obj: Object) -> str:
    return age_since(obj["metadata"].get("creationTimestamp"))


def _created_at(obj: Object) -> str:
    return str(obj["metadata"].get("creationTimestamp") or "")


_META = "apimachinery.pkg.apis.meta.v1.ObjectMeta."
NAME = Column("Name", _name, format="name", description=schema_text(_META + "name"))
AGE = Column("Age", _age, description=schema_text(_META + "creationTimestamp"))


CREATED_AT = Column("Created At", _created_at, "date", description=schema_text(_META + "creationTimestamp"))


class ScalePaths(Struct, frozen=True):
    """Where a custom resource keeps what its Scale shows: paths from its root, as tuples of field names."""

    spec_replicas: tuple[str, ...]
    status_replicas: tuple[str, ...]
    label_selector: tuple[str, ...] = ()


class Subresource(Struct, frozen=True):
    """`gvk` None means the parent's kind. `strategy` holds the rules of subresources that write the parent other than
    through its status (ephemeralcontainers, resize, finalize, approval); status uses the parent's own."""

    name: str
    gvk: GroupVersionKind | None = None
    verbs: tuple[str, ...] = READ_WRITE
    strategy: Strategy | None = None
    paths: ScalePaths | None = None


STATUS = Subresource("status")
SCALE = Subresource("scale", GroupVersionKind("autoscaling", "v1", "Scale"))


class Resource(Struct, frozen=True, dict=True):
    gvk: GroupVersionKind
    plural: str
    namespaced: bool
    strategy: Strategy = field(default_factory=Strategy)
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Column, ...] = (NAME, CREATED_AT)
    row_conditions: Callable[[Object], list[Object]] | None = None
    """Conditions of a table row (`Completed` for finished pods)."""
    row_order: Callable[[Object], Any] | None = None
    """What the rows of a list's table are sorted by, if not by name."""
    deprecation: str = ""
    """The warning that every request for the resource is answered with."""
    storage_gvk: GroupVersionKind | None = None
    """The kind under which objects are stored, if it is another one; `pynetes.apis.conversion` converts."""
    stored_upstream: str = ""
    """The version that discovery's mark of the stored one speaks of: the original's, where that is not served."""
    own_rules: bool = False
    """Of a version that is not the stored one: its strategy, and not the stored version's, judges what is written
    through it (in stored form)."""
    indexed_field: str = ""
    """A selectable field by whose value watches are filed: those that want another value cost a change nothing."""
    expires: bool = False
    """Objects live for as long as `--event-ttl` says."""
    list_kind: str = ""
    schema: ObjectSchema | None = None
    """What checks, prunes and defaults objects of a kind that has no definition of its own (custom resources)."""

    def __post_init__(self) -> None:
        if not self.singular:
            force_setattr(self, "singular", self.gvk.kind.lower())
        if not self.list_kind:
            force_setattr(self, "list_kind", f"{self.gvk.kind}List")

    @cached_property
    def gvr(self) -> GroupVersionResource:
        return GroupVersionResource(self.gvk.group, self.gvk.version, self.plural)

    @cached_property
    def has_status(self) -> bool:
        return self.subresource("status") is not None

    def subresource(self, name: str) -> Subresource | None:
        return next((s for s in self.subresources if s.name == name), None)

    @cached_property
    def storage_version_hash(self) -> str:
        """Discovery's opaque mark of the storage version; empty for what is not stored."""
        if "list" not in self.verbs or self.gvk.kind == "ComponentStatus":
            return ""
        gvk = self.storage_gvk or self.gvk
        version = self.stored_upstream or gvk.version
        digest = hashlib.sha256(f"{gvk.group}/{version}/{gvk.kind}".encode()).digest()
        return base64.b64encode(digest[:8]).decode()
