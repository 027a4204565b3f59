"""Bodies to objects and back: JSON and YAML bytes to a plain dict, pruned and checked by the kind's schema.

Two roads with one result. A well-formed body takes the fast one (a Struct at C speed); whatever that refuses or could
miss (unknown or duplicate fields, nulls, wrong types, bad syntax) takes the slow one, which words the answer as the
original does. Custom resources have no definition but an `ObjectSchema`, which prunes them and fills in defaults; kinds
that have neither keep all of their fields, and only their metadata is checked.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import orjson

from pynetes.apimachinery import json_text, json_writer, yaml_text
from pynetes.apimachinery.depth import MAX_DEPTH, too_deep
from pynetes.apimachinery.errors import FieldError, StatusError, bad_request, invalid
from pynetes.apimachinery.gvk import GroupVersionKind, split_api_version
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.schema.checker import Checker, DecodeError, duplicates, plain
from pynetes.apimachinery.schema.definitions import find_definition_name
from pynetes.apimachinery.schema.structs import StructDecoder, definition_decoder
from pynetes.apimachinery.structural.objectmeta import OBJECT_META, MetadataError, typed_metadata, without_empties
from pynetes.apimachinery.structural.objectschema import ObjectSchema

Validation = Literal["Strict", "Warn", "Ignore"]
Object = dict[str, Any]

_SCHEME = "pkg/api/legacyscheme/scheme.go:30"  # what the original prints, and log readers search for
_REFUSED = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError, ValueError)
_HEAD = frozenset(("apiVersion", "kind", "metadata"))
_YAML = ("application/yaml", "application/x-yaml", "text/yaml")


def decode(
    body: bytes,
    gvk: GroupVersionKind,
    *,
    content_type: str = "application/json",
    validation: Validation = "Strict",
    schema: ObjectSchema | None = None,
) -> tuple[Object, list[str]]:
    """The object in `body`, and warnings about what was dropped (`Warn` only).

    `gvk` is what the endpoint takes; a body without apiVersion or kind is taken for it, one of another type is
    refused. Raises StatusError 400 with upstream's texts.

    With a `schema`, the kind of a custom resource: its objects must state their type, and get their defaults here.
    """
    original = body
    if content_type.partition(";")[0].strip() in _YAML:
        body, found = _from_yaml(body, gvk)
    else:
        found = []
    if schema is not None:
        obj = _fast_custom(body, gvk, schema, validation) if not found else None
        return (obj, []) if obj is not None else _slow(body, original, gvk, None, validation, found, schema)
    name = find_definition_name(gvk)
    if name is not None:
        obj = _fast(body, definition_decoder(name), validation) if not found else None
        if obj is not None and _has_type(obj, gvk):
            return _typed(obj, gvk), []
    return _slow(body, original, gvk, name, validation, found)


def _has_type(obj: Object, gvk: GroupVersionKind) -> bool:
    return bool(obj.get("kind", gvk.kind) == gvk.kind and obj.get("apiVersion", gvk.api_version) == gvk.api_version)


def _typed(obj: Object, gvk: GroupVersionKind) -> Object:
    """With the type stated, first, as stored objects begin."""
    if "apiVersion" in obj and "kind" in obj:
        return obj
    return {"apiVersion": gvk.api_version, "kind": gvk.kind, **obj}


def _fast(body: bytes, decoder: StructDecoder, validation: Validation) -> Object | None:
    """None if the body must go the slow road."""
    try:
        obj = decoder.decode(body)
        if validation != "Ignore" and json_text.may_have_duplicates(body):
            return None
    except _REFUSED:
        return None
    return obj


def _fast_custom(body: bytes, gvk: GroupVersionKind, schema: ObjectSchema, validation: Validation) -> Object | None:
    """The same for a custom resource."""
    try:
        obj = orjson.loads(body)
        strict = validation != "Ignore"
        deep = body.count(b"{") + body.count(b"[") > MAX_DEPTH and too_deep(obj)
        if deep or (strict and json_text.may_have_duplicates(body)):
            return None
    except _REFUSED:
        return None
    if json_text.may_have_floats(body):
        json_text.settle_numbers(obj)
    return _fast_coerced(obj, gvk, schema, strict)


def _fast_coerced(obj: Any, gvk: GroupVersionKind, schema: ObjectSchema, strict: bool) -> Object | None:
    """Changes `obj`."""
    if not isinstance(obj, dict) or obj.get("kind") != gvk.kind or obj.get("apiVersion") != gvk.api_version:
        return None
    try:
        metadata, unknown = typed_metadata(_or_empty(obj.get("metadata")))
        if strict and (unknown or schema.coerce(obj, track=True)):
            return None
        if not strict:
            schema.coerce(obj)
    except _REFUSED:
        return None
    rest = {field: value for field, value in obj.items() if field not in _HEAD}
    return {"apiVersion": gvk.api_version, "kind": gvk.kind, "metadata": metadata, **rest}


def _from_yaml(body: bytes, gvk: GroupVersionKind) -> tuple[bytes, list[str]]:
    try:
        value, found = yaml_text.parse(body)
        return json_writer.encode(value, orjson.OPT_SORT_KEYS), found  # the order in which errors are told
    except ValueError as error:
        raise unrecognized(gvk, str(error), body) from None


def unrecognized(gvk: GroupVersionKind, why: str, body: bytes) -> StatusError:
    """The answer to a body that is no object at all."""
    return bad_request(f"the object provided is unrecognized (must be of type {gvk.kind}): {why} ({_summary(body)})")


def _summary(body: bytes) -> str:
    """The beginning of a body, as messages show it."""
    if not body:
        return "<empty>"
    shown = body[:30]
    text = shown.decode("utf-8", "replace") if body[:1] == b"{" else shown.hex()
    return f"{text} ..." if len(body) > 30 else text


def _slow(
    body: bytes,
    original: bytes,
    gvk: GroupVersionKind,
    name: str | None,
    validation: Validation,
    found: list[str],
    schema: ObjectSchema | None = None,
) -> tuple[Object, list[str]]:
    try:
        value = json_text.parse(body)
        if b"\\u" in body:
            value = json_text.repair_surrogates(value)
        value = _or_empty(value)
        actual = interpret(value, gvk)
    except DecodeError as error:
        why = f"couldn't get version/kind; json parse error: {error}"
        raise unrecognized(gvk, why, original) from None
    except ValueError as error:
        raise unrecognized(gvk, str(error), original) from None
    if schema is not None:
        _check_custom_type(value, actual, gvk, original)
    else:
        check_type(actual, gvk)
    try:
        obj, strict = check(value, gvk, name) if schema is None else check_custom(value, gvk, schema)
    except ValueError as error:
        raise cannot_handle(actual, gvk, str(error)) from None
    strict = found + strict
    if strict and validation == "Strict":
        raise cannot_handle(actual, gvk, "strict decoding error: " + ", ".join(strict))
    return _typed(obj, actual) if schema is None else obj, _warnings(strict) if validation == "Warn" else []


def _warnings(strict: list[str]) -> list[str]:
    """One for each line; that of YAML's errors which only announces them is none."""
    return [line.strip() for text in strict for line in text.splitlines() if line != yaml_text.ANNOUNCEMENT]


def _check_custom_type(value: Any, actual: GroupVersionKind, gvk: GroupVersionKind, body: bytes) -> None:
    """Of another version is refused; of another kind, validation says."""
    if not isinstance(value, dict) or not value.get("kind"):
        shown = body.decode("utf-8", "replace")
        raise unrecognized(gvk, f"Object 'Kind' is missing in '{shown}'", body)
    stated = value.get("apiVersion") or ""
    if stated != gvk.api_version:
        raise bad_request(
            f"the API version in the data ({stated}) does not match the expected API version ({gvk.api_version})"
        )


def cannot_handle(actual: GroupVersionKind, gvk: GroupVersionKind, why: str) -> StatusError:
    """The answer to an object that states its type and is wrong further in."""
    return bad_request(f'{actual.kind} in version "{actual.version}" cannot be handled as a {gvk.kind}: {why}')


def _or_empty(value: Any) -> Any:
    """Go reads null as an object in which nothing is set."""
    return {} if value is None else value


def interpret(value: Any, default: GroupVersionKind) -> GroupVersionKind:
    """The type that a parsed body states, filled up from the endpoint's."""
    if not isinstance(value, dict):
        go = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
        shape = {list: "array", str: "string", bool: "bool"}.get(type(value), "number")
        raise DecodeError(f"json: cannot unmarshal {shape} into Go value of type {go}")
    for field in ("apiVersion", "kind"):
        stated = value.get(field)
        if stated is not None and not isinstance(stated, str):
            shape = {list: "array", dict: "object", bool: "bool"}.get(type(stated), "number")
            raise DecodeError(f"json: cannot unmarshal {shape} into Go struct field .{field} of type string")
    api_version = value.get("apiVersion") or ""
    if api_version.count("/") > 1:
        raise ValueError(f"unexpected GroupVersion string: {api_version}")
    group, version = split_api_version(api_version)
    if not version and group in ("", default.group):
        group, version = default.group, default.version
    return GroupVersionKind(group, version, value.get("kind") or default.kind)


def check_type(actual: GroupVersionKind, expected: GroupVersionKind) -> None:
    """Refuses an object of another type than the endpoint takes; StatusError 400."""
    why = _other_type(actual, expected)
    if why and actual.kind == expected.kind and not _unheard_of(actual, expected):
        stated = actual.api_version if actual.version else actual.group
        raise bad_request(
            f"the API version in the data ({stated}) does not match the expected API version ({expected.api_version})"
        )
    if why:
        raise cannot_handle(actual, expected, why)


def _other_type(actual: GroupVersionKind, expected: GroupVersionKind) -> str:
    """Why an object of one type is none of the other; empty if it is."""
    if actual == expected or _same_definition(actual, expected):
        return ""
    if _unheard_of(actual, expected):
        return f'no kind "{actual.kind}" is registered for version "{actual.api_version}" in scheme "{_SCHEME}"'
    return f"converting ({actual.version}.{actual.kind}) to ({_internal(expected)}): unknown conversion"


def _unheard_of(actual: GroupVersionKind, expected: GroupVersionKind) -> bool:
    return find_definition_name(actual) is None and find_definition_name(expected) is not None


def _internal(gvk: GroupVersionKind) -> str:
    """Go's name of the unversioned type: `core.Pod`."""
    return f"{gvk.group.partition('.')[0] or 'core'}.{gvk.kind}"


def _same_definition(one: GroupVersionKind, other: GroupVersionKind) -> bool:
    """DeleteOptions is registered in every group."""
    name = find_definition_name(one)
    return name is not None and name == find_definition_name(other)


def check(value: Any, gvk: GroupVersionKind, name: str | None = None) -> tuple[Object, list[str]]:
    """The slow road for a parsed value: the object and its strict errors. ValueError with Go's text."""
    name = name or find_definition_name(gvk)
    if name is not None:
        checker = Checker()
        return checker.check(name, value), checker.strict
    strict = duplicates(value)
    checker = Checker()
    obj: Object = plain(value)
    metadata = value.get("metadata")
    if metadata is None:
        obj.pop("metadata", None)
    elif not isinstance(metadata, dict):
        raise DecodeError("json: cannot unmarshal value into Go struct field .metadata of type v1.ObjectMeta")
    else:
        obj["metadata"] = without_empties(checker.check(OBJECT_META, metadata))
        strict += [text.replace('"', '"metadata.', 1) for text in checker.strict if text.startswith("unknown")]
    return obj, strict


def check_custom(value: Any, gvk: GroupVersionKind, schema: ObjectSchema) -> tuple[Object, list[str]]:
    """The slow road of custom resources. An object that states another type is left as it is: validation refuses it."""
    strict = duplicates(value)
    obj: Object = plain(value)
    try:
        metadata, unknown = typed_metadata(_or_empty(obj.get("metadata")))
    except MetadataError as error:
        raise DecodeError(str(error)) from None
    strict += [f'unknown field "metadata.{name}"' for name in unknown]
    if obj.get("kind") == gvk.kind and obj.get("apiVersion") == gvk.api_version:
        strict += [f'unknown field "{path}"' for path in schema.coerce(obj, track=True)]
    head: Object = {field: obj[field] for field in ("apiVersion", "kind") if field in obj}
    rest = {field: item for field, item in obj.items() if field not in _HEAD}
    return {**head, "metadata": metadata, **rest}, strict


def coerce(
    obj: Object,
    gvk: GroupVersionKind,
    *,
    validation: Validation = "Ignore",
    schema: ObjectSchema | None = None,
    refused: Callable[[Object, str], StatusError] | None = None,
    found: Sequence[str] = (),
) -> tuple[Object, list[str]]:
    """The same for an object that is a dict already (the outcome of a patch): (object, warnings).

    Raises StatusError 422 as upstream does for a patch whose outcome is no valid object of the kind; `refused` makes it
    of the outcome and the reason where the outcome is not what is to be shown. `found` are strict errors of the patch
    itself, told before those of its outcome.
    """
    refused = refused or _invalid_patch
    name = find_definition_name(gvk)
    if schema is None:
        obj = _of_type(obj, gvk)
    if name is not None and not found:
        try:
            return _typed(definition_decoder(name).convert(obj), gvk), []
        except _REFUSED:
            pass
    elif schema is not None and not found:
        coerced = _fast_coerced(copy(obj), gvk, schema, validation != "Ignore")
        if coerced is not None:
            return coerced, []
    try:
        checked, strict = check(obj, gvk, name) if schema is None else check_custom(obj, gvk, schema)
    except ValueError as error:
        raise refused(obj, str(error)) from None
    if strict and schema is None and validation != "Ignore":  # told in the order of the names
        strict = check(orjson.loads(json_writer.encode(obj, orjson.OPT_SORT_KEYS)), gvk, name)[1]
    strict = [*found, *strict]
    if strict and validation == "Strict":
        raise refused(obj, "strict decoding error: " + ", ".join(strict))
    return _typed(checked, gvk) if schema is None else checked, strict if validation == "Warn" else []


def _of_type(obj: Object, gvk: GroupVersionKind) -> Object:
    """The outcome of a patch that may have touched the type: another one is refused, none at all is the endpoint's."""
    obj = _or_empty(obj)
    try:
        why = _other_type(interpret(obj, gvk), gvk)
    except DecodeError as error:
        why = f"couldn't get version/kind; json parse error: {error}"
    except ValueError as error:
        why = str(error)
    if why:
        raise _invalid_patch(obj, why)
    if obj.get("apiVersion") and obj.get("kind"):
        return obj
    return {**obj, "apiVersion": gvk.api_version, "kind": gvk.kind}


def _invalid_patch(obj: Object, why: str) -> StatusError:
    shown = json_writer.encode(obj).decode()
    return invalid("", "", "", [FieldError("FieldValueInvalid", "patch", shown, why)])
