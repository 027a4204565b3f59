"""Strategic merge patch: a merge patch that knows from the schema which lists are sets and which are maps.

Directives in a patch: `$patch: replace|delete` on an object or a list item, `$setElementOrder/<list>`,
`$deleteFromPrimitiveList/<list>`, `$retainKeys`. `kubectl apply`, `set`, `edit` and `rollout` all speak it.
"""

import re
from collections.abc import Hashable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import FieldError, StatusError, bad_request, invalid, rejected, unsupported_media_type
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.patch.directives import DELETE_FROM, DIRECTIVE, RETAIN_KEYS, SET_ORDER
from pynetes.apimachinery.patch.lookup import Node, node_of
from pynetes.apimachinery.patch.order import Identity, arrange
from pynetes.apimachinery.patch.strategic_diff import diff
from pynetes.apimachinery.schema.gotypes import form_of

__all__ = ["StrategicError", "apply", "diff", "merge"]

_BAD_ORDER = "invalid patch format of setElementOrder list"
_BAD_PRIMITIVES = "invalid patch format of primitive list"
_BAD_RETAIN_KEYS = "invalid patch format of retainKeys"
_LIST_OF_LISTS = "lists of lists are not supported"


class StrategicError(ValueError):
    """A patch that cannot be merged. `status` is the HTTP status that the original answers with."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


def apply(document: dict[str, Any], patch: dict[str, Any], gvk: GroupVersionKind) -> dict[str, Any]:
    """The merged object, not yet checked against the schema.

    StatusError: 415 for kinds without a schema, 400, 422 or 500 as upstream for a patch that cannot be merged.
    """
    node = node_of(gvk)
    if node is None:
        raise unsupported_media_type(("application/json-patch+json", "application/merge-patch+json"))
    try:
        return merge(document, patch, node)
    except StrategicError as error:
        if error.status == 400:
            raise bad_request(str(error)) from None
        if error.status == 422:
            raise rejected() from None
        raise StatusError(500, "", str(error)) from None


def merge(original: dict[str, Any], patch: dict[str, Any], node: Node) -> dict[str, Any]:
    """One level: `patch` onto `original` by what the node says. Neither argument changes."""
    if DIRECTIVE in patch:
        return _whole(patch)
    out = dict(original)
    patch = _retained(out, dict(patch))
    for key in [key for key in patch if key.startswith(SET_ORDER)]:
        _merge_ordered(out, patch, key, node)
    for key, value in patch.items():
        deleting = key.startswith(DELETE_FROM)
        _merge_field(out, _field_of(key, _BAD_PRIMITIVES) if deleting else key, value, node, deleting)
    return out


def _child(node: Node, field: str) -> Node:
    try:
        return node.child(field)
    except LookupError as error:
        raise StrategicError(str(error.args[0])) from None


def _whole(patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch[DIRECTIVE]
    if directive == "replace":
        return {key: meta.copy(value) for key, value in patch.items() if key != DIRECTIVE}
    if directive == "delete":
        return {}
    raise _unknown_type(directive, patch)


def _unknown_type(directive: Any, patch: dict[str, Any]) -> StrategicError:
    return StrategicError(f"unknown patch type: {_go_text(directive)} in map: {go_format(patch)}")


def _field_of(key: str, error: str) -> str:
    _, slash, field = key.partition("/")
    if not slash:
        raise StrategicError(error, 400)
    return field


def _retained(out: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Applies `$retainKeys` (only these members stay) and takes it out of the patch."""
    if RETAIN_KEYS not in patch:
        return patch
    keys = patch.pop(RETAIN_KEYS)
    if not isinstance(keys, list):
        raise StrategicError(_BAD_RETAIN_KEYS, 400)
    for key, value in patch.items():
        if value is not None and not key.startswith((DELETE_FROM, SET_ORDER)) and key not in keys:
            raise StrategicError(_BAD_RETAIN_KEYS, 400)
    for key in [key for key in out if key not in keys]:
        del out[key]
    return patch


def _merge_field(out: dict[str, Any], field: str, value: Any, parent: Node, deleting: bool) -> None:
    if value is None:
        out.pop(field, None)
        return
    live = out.get(field)
    if isinstance(live, dict) and isinstance(value, dict):
        node = _child(parent, field)
        out[field] = meta.copy(value) if node.replaces else merge(live, value, node)
    elif isinstance(live, list) and isinstance(value, list):
        out[field] = _merge_list(live, value, _child(parent, field), deleting)
    elif not deleting:
        bare, keep = _bare(value)
        if keep:
            out[field] = bare
        else:
            out.pop(field, None)


def _bare(value: Any) -> tuple[Any, bool]:
    """A value of the patch that meets nothing to merge with: without nulls of maps and without what has a `$patch`;
    whether it is kept. Other directives stay, and are fields that nobody knows."""
    if isinstance(value, dict):
        if DIRECTIVE in value:
            return None, False
        members = {key: _bare(item) for key, item in value.items() if item is not None}
        return {key: inner for key, (inner, keep) in members.items() if keep}, True
    if isinstance(value, list):
        return [inner for inner, keep in map(_bare, value) if keep], True
    return value, True


def _identity(merge_key: str) -> Identity:
    """What makes two items of a list the same one."""

    def by_key(item: Any) -> Hashable:
        if not isinstance(item, dict):
            raise StrategicError(f"expected a map[string]interface {{}}, but received a {_go_type(item)}")
        if merge_key not in item:
            raise StrategicError(f"map: {go_format(item)} does not contain declared merge key: {merge_key}")
        return _scalar(item[merge_key])

    return by_key if merge_key else _scalar


def _scalar(value: Any) -> Hashable:
    """Go keeps `1`, `true` and `"1"` apart; so must a Python dict's keys."""
    return (type(value).__name__, value) if not isinstance(value, (dict, list)) else go_format(value)


def _element_type(*lists: list[Any]) -> type:
    """The type of all items, of which there must be one."""
    found: type | None = None
    for item in (item for items in lists for item in items):
        if found is not None and type(item) is not found:
            shown = " ".join(go_format(items) for items in lists)
            raise StrategicError(f"list element types are not identical: [{shown}]")
        found = type(item)
        if found is list:
            raise StrategicError(_LIST_OF_LISTS, 422)
    if found is None:
        raise StrategicError("no elements in any of the given slices")
    return found


def _merge_list(live: list[Any], patch: list[Any], node: Node, deleting: bool) -> list[Any]:
    if not node.merges and not deleting:
        return [meta.copy(item) for item in patch]  # with the directives it may have: they are fields nobody knows
    if not live and not patch:
        return live
    if _element_type(live, patch) is not dict:
        return _merge_scalars(live, patch, node, deleting)
    if not node.merge_key:
        raise StrategicError("cannot merge lists without merge key for struct")
    live, patch = _special_items(live, patch, node.merge_key)
    merged = _merge_items(live, patch, node)
    return arrange(merged, patch, live, _identity(node.merge_key))


def _merge_scalars(live: list[Any], patch: list[Any], node: Node, deleting: bool) -> list[Any]:
    if deleting:
        gone = {_scalar(item) for item in patch}
        return [item for item in live if _scalar(item) not in gone]
    both = {_scalar(item): item for item in [*live, *patch]}
    return arrange(list(both.values()), patch, live, _identity(node.merge_key))


def _special_items(live: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """Carries out `$patch` items: (what is left of the live list, the plain items of the patch)."""
    plain_items: list[Any] = []
    replace = False
    for item in patch:
        directive = item.get(DIRECTIVE)
        if DIRECTIVE not in item:
            plain_items.append(item)
        elif directive == "delete":
            gone = _identity(merge_key)(item)
            live = [other for other in live if merge_key not in other or _scalar(other[merge_key]) != gone]
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise StrategicError("merging lists cannot yet be specified in the patch")
        else:
            raise _unknown_type(directive, item)
    return ([], plain_items) if replace else (live, plain_items)


def _merge_items(live: list[Any], patch: list[Any], node: Node) -> list[Any]:
    assert node.item is not None
    identity = _identity(node.merge_key)
    out = list(live)
    places: dict[Hashable, int] = {}
    for index, item in enumerate(out):
        if node.merge_key in item:
            places.setdefault(identity(item), index)
    for item in patch:
        own = identity(item)
        if own in places:
            out[places[own]] = merge(out[places[own]], item, node.item)
        else:
            places[own] = len(out)
            out.append(meta.copy(item))  # as it is, with nulls and directives
    return out


def _merge_ordered(out: dict[str, Any], patch: dict[str, Any], key: str, node: Node) -> None:
    """A list whose order the patch states: merged, then put in that order. Takes both out of the patch."""
    order = _list(patch.pop(key))
    field = _field_of(key, _BAD_ORDER)
    live = _list(out[field]) if field in out else None
    changes = _list(patch[field]) if field in patch else None
    child = _child(node, field)
    if not child.listed:
        raise StrategicError("expected slice or array type, but got: struct")
    if order and changes:
        _check_order(changes, order, child.merge_key)
    if changes is None:
        if live is None:
            return
        merged = live
    elif live is None:
        merged = [item for item, keep in map(_bare, changes) if keep]
    else:
        merged = _merge_list(live, changes, child, deleting=False)
    if child.merge_key:
        _check_ordered(merged, order, child.merge_key)
    _element_type(live or [], changes or [])
    out[field] = arrange(merged, order, live or [], _identity(child.merge_key))
    patch.pop(field, None)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise StrategicError(f"expected a []interface {{}}, but received a {_go_type(value)}")
    return value


def _check_ordered(merged: list[Any], order: list[Any], merge_key: str) -> None:
    """What is looked up in the stated order must find objects up to where it is found; some may lack their key."""
    identity = _identity(merge_key)
    for own in [identity(item) for item in merged]:
        for index, item in enumerate(order):
            if not isinstance(item, dict):
                raise StrategicError(f"value for key {index} is not a map")
            if merge_key in item and identity(item) == own:
                break


def _check_order(changes: list[Any], order: list[Any], merge_key: str) -> None:
    """Items of the patch must come in the stated order."""
    identity = _identity(merge_key)
    rest = iter(order)
    for item in changes:
        if isinstance(item, dict) and DIRECTIVE in item:
            continue
        if not any(identity(item) == identity(other) for other in rest):  # advances to behind the match
            raise StrategicError(
                f"The order in patch list:\n{go_format(changes)}\n doesn't match {SET_ORDER} list:\n"
                f"{go_format(order)}\n"
            )


_NOT_FIT = re.compile(r"json: cannot unmarshal (\w+)(?: (\S+))? into Go (?:struct field \S+|value) of type (.+)")
_KINDS = {"array": "slice", "object": "map"}
_NUMBERS = ("int32", "int64", "float64")


def refused(patch: dict[str, Any], why: str) -> StatusError:
    """422 for an outcome that is no object of the kind, of which upstream shows the patch."""
    return invalid("", "", "", [FieldError("FieldValueInvalid", "patch", go_format(patch), not_restored(why))])


def not_restored(why: str) -> str:
    """Why a value does not fit, in upstream's words for what it does not decode from JSON."""
    found = _NOT_FIT.fullmatch(why)
    if found:
        return _not_fit(*found.groups())
    return f"error decoding from json: {why}" if why.startswith("illegal base64") else why


def _not_fit(shape: str, number: str | None, wanted: str) -> str:
    kind = _KINDS.get(shape, shape)
    if shape == "number":
        kind = "float64" if number and not number.lstrip("-").isdigit() else "int64"
    form = form_of(wanted)
    if form in ("map", "slice"):
        return f"cannot restore {form} from {kind}"
    if form == "struct":
        return f"cannot restore struct from: {kind}"
    if (kind in _NUMBERS and wanted in _NUMBERS) or (kind == "int64" and form == "string"):
        return f"cannot convert {kind} to {wanted}"
    return f"unrecognized type: {form}"


def _go_type(value: Any) -> str:
    kinds = {dict: "map[string]interface {}", list: "[]interface {}", str: "string", bool: "bool", float: "float64"}
    return "%!s(<nil>)" if value is None else kinds.get(type(value), "int64")


def _go_text(value: Any) -> str:
    """Go's `%s` of a scalar, which marks what is no text."""
    if value is None:
        return "%!s(<nil>)"
    return value if isinstance(value, str) else f"%!s({_go_type(value)}={go_format(value)})"


def go_format(value: Any) -> str:
    """Go's `%v`, which upstream's texts use for objects."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_format(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_format, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)
