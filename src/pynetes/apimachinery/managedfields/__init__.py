"""Managed fields: who owns which field of an object, and server-side apply, which merges by it. Pure, no I/O.

    elements, fieldset     path elements and sets of fields, in the very form of FieldsV1
    types, schema_types    what is a leaf, what is merged, what tells items of lists apart; made from OpenAPI
    items, check           identities of items; whether a value is of a type
    compare, extract       what differs between two values; what a configuration states
    merge                  merging a configuration, taking fields out
    entries                metadata.managedFields on the wire ↔ managers
    updater                the rules: who gains, loses and contends
    cap, last_applied      too many managers; kubectl's client-side annotation
    manager, scale         FieldManager, which a server asks; replicas under two names
    conflict, zero         the 409; what a create is compared with

A server makes one `FieldManager` for an endpoint: `FieldManager(kind, versions, subresource=…, reset=…)`, where `kind`
is the kind in the version that the endpoint speaks and `versions` (a `Versions`) knows all versions of it. It asks
`update(live, new, manager, now, claimed=…)` on creates, updates and patches, and `apply(…)` for apply patches.

**Custom resources** plug in with a `Versions` of their own: `CustomVersions(kind, {"stable.example.com/v1":
openAPIV3Schema, …}, convert)`; without a schema a type is deduced (maps merge, lists are leaves). When the definition
changes, make a new one. `reset` of a custom resource with a status subresource is `excluding("status")` for the object
and `CUSTOM_STATUS_RESET` for its status. A `convert` that cannot answer at once (a webhook's) raises
`ConversionNeeded`; the server gets the answer, has it remembered, and asks the FieldManager again.
"""

from pynetes.apimachinery.managedfields.entries import EntriesError, decode
from pynetes.apimachinery.managedfields.manager import FieldManager
from pynetes.apimachinery.managedfields.schema_types import of_custom_resource, of_kind
from pynetes.apimachinery.managedfields.updater import Reset, Versions
from pynetes.apimachinery.managedfields.versions import (
    CUSTOM_STATUS_RESET,
    BuiltInVersions,
    ConversionNeeded,
    CustomVersions,
    excluding,
)

__all__ = [
    "CUSTOM_STATUS_RESET",
    "BuiltInVersions",
    "ConversionNeeded",
    "CustomVersions",
    "EntriesError",
    "FieldManager",
    "Reset",
    "Versions",
    "decode",
    "excluding",
    "of_custom_resource",
    "of_kind",
]
