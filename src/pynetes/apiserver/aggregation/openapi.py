"""What an extension says of its group version in OpenAPI."""

import hashlib
import logging
import struct
from typing import Any

import orjson
from msgspec import Struct, field

from pynetes.apimachinery import json_writer
from pynetes.apiserver.aggregation.connection import Connections
from pynetes.apiserver.aggregation.extension import Extension
from pynetes.apiserver.openapi import gnostic

log = logging.getLogger(__name__)

Object = dict[str, Any]

_SECTIONS = ("definitions", "parameters")


class Documents(Struct, frozen=True):
    """`index`: entries of the v3 index by path. `v2`: `paths` and what they refer to. `etag`: of v2."""

    index: Object = field(default_factory=dict)
    v2: Object = field(default_factory=dict)
    digest: str = ""
    etag: str = ""


async def fetch(connections: Connections, extension: Extension, before: Documents) -> Documents:
    """What is not served stays empty; errors of the connection are raised as they come."""
    answer = await connections.fetch(extension, "/openapi/v3", "application/json")
    index = own_index(orjson.loads(answer.body), extension) if answer.status == 200 else {}
    answer = await connections.fetch(extension, "/openapi/v2", "application/json", before.etag)
    if answer.status == 304:
        return Documents(index, before.v2, before.digest, before.etag)
    if answer.status != 200:
        return Documents(index)
    v2 = encodable(own_part(orjson.loads(answer.body), extension))
    if not v2:
        log.warning("OpenAPI v2 of %s cannot be understood", extension.name)
        return Documents(index, etag=answer.etag)
    digest = hashlib.sha256(json_writer.encode(v2, orjson.OPT_SORT_KEYS)).hexdigest()
    return Documents(index, v2, digest, answer.etag)


def encodable(part: Object) -> Object:
    """The part if it can stand in our own document in all of its forms; one server's mistake must not spoil it."""
    try:
        gnostic.encode(part)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error):
        return {}
    return part


def own_index(document: Object, extension: Extension) -> Object:
    """Of a v3 index what is the APIService's: its group version, and the group as such."""
    paths = document.get("paths") or {}
    own = {key: paths[key] for key in (extension.key, f"apis/{extension.group}") if key in paths}
    return {key: entry for key, entry in own.items() if isinstance(entry, dict) and entry.get("serverRelativeURL")}


def own_part(document: Object, extension: Extension) -> Object:
    """Of a v2 document the paths of the group version, and all definitions and parameters that they need."""
    root = f"{extension.root}/"
    paths = {path: item for path, item in (document.get("paths") or {}).items() if f"{path}/".startswith(root)}
    needed: dict[tuple[str, str], Object] = {}
    found = _references(paths)
    while found:
        section, name = at = found.pop()
        known = document.get(section) or {}
        if name in known and at not in needed:
            needed[at] = known[name]
            found |= _references(known[name])
    own = {
        section: {name: needed[each, name] for each, name in sorted(needed) if each == section} for section in _SECTIONS
    }
    return {"paths": paths, **own}


def _references(node: Any) -> set[tuple[str, str]]:
    """Sections and names of what a part refers to."""
    if isinstance(node, list):
        return set().union(*(_references(item) for item in node))
    if not isinstance(node, dict):
        return set()
    found: set[tuple[str, str]] = set()
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str):
            section, _, name = value.removeprefix("#/").partition("/")
            if section in _SECTIONS:
                found.add((section, name))
        else:
            found |= _references(value)
    return found
