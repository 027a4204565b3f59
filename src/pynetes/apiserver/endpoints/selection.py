"""Label and field selectors of a list or watch: which keys are looked at, and which objects of them match.

The same selection gives the same predicate object, so that the watch cache evaluates it once for all who watch so.
"""

from functools import lru_cache

from msgspec import Struct

from pynetes.apimachinery.errors import bad_request
from pynetes.apimachinery.names import path_segment_name
from pynetes.apimachinery.selectors import FieldSelector, LabelSelector
from pynetes.apis.resource import Resource
from pynetes.apis.strategy import METADATA_FIELDS
from pynetes.apiserver.cacher import Entry, Predicate
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.options import ListOptions


class Selection(Struct, frozen=True):
    """Keys under `prefix` that satisfy `predicate` (None: all); `field_value` that of the cacher's indexed field."""

    prefix: str
    predicate: Predicate | None
    field_value: str | None = None


def select(scope: Scope, options: ListOptions, namespace: str, name: str) -> Selection:
    """`name` is set for a watch of one object by path. StatusError 400 for a field that cannot be selected by."""
    fields, store = options.field_selector, scope.store
    if fields.requirements:
        check_fields(scope.resource, fields)
    if not namespace and scope.resource.namespaced:
        namespace = fields.required("metadata.namespace") or ""
    chosen = fields.required("metadata.name")
    if name and chosen is not None and name != chosen:
        raise bad_request("fieldSelector metadata.name doesn't match requested name")
    chosen = chosen or name
    prefix = store.scope(namespace)
    if chosen and not path_segment_name(chosen) and (namespace or not scope.resource.namespaced):
        prefix = store.key(namespace, chosen)
    elif name:
        fields = FieldSelector((*fields.requirements, ("metadata.name", "=", name)))
    indexed = store.resource.indexed_field
    value = fields.required(indexed) if indexed and fields.requirements else None
    return Selection(prefix, predicate(options.label_selector, fields), value)


def check_fields(resource: Resource, fields: FieldSelector) -> None:
    """StatusError 400 for a field that the kind cannot be selected by."""
    allowed = resource.strategy.selectable
    for field, _, _ in fields.requirements:
        if field in allowed:
            continue
        if allowed == METADATA_FIELDS and resource.schema is None:
            text = f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        else:
            text = resource.strategy.not_selectable.format(field)
        raise bad_request(text)


_MANY = 32  # requirements and values: predicates of more are not remembered


def predicate(labels: LabelSelector, fields: FieldSelector) -> Predicate | None:
    """The same one for the same selectors, if they are of ordinary size."""
    size = len(fields.requirements) + sum(1 + len(each.values) for each in labels.requirements)
    return _remembered(labels, fields) if size <= _MANY else _predicate(labels, fields)


def _predicate(labels: LabelSelector, fields: FieldSelector) -> Predicate | None:
    if labels.empty and fields.empty:
        return None
    if fields.empty:
        return lambda entry: labels.matches(entry.labels)
    if labels.empty:
        return lambda entry: fields.matches(entry.fields)

    def both(entry: Entry) -> bool:
        return fields.matches(entry.fields) and labels.matches(entry.labels)

    return both


_remembered = lru_cache(4096)(_predicate)
