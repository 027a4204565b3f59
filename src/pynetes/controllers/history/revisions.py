"""What a revision holds, how it is named, and which of them may go."""

from typing import Any

import orjson

from pynetes.apimachinery import meta, names
from pynetes.controllers.deployment.template import fnv32a, same_template

Object = dict[str, Any]


def data_of(owner: Object) -> Object:
    """A strategic merge patch that puts this template back; keys sorted, as clients compare it byte by byte."""
    patch = {"spec": {"template": {"$patch": "replace", **owner["spec"]["template"]}}}
    sorted_: Object = orjson.loads(_canonical(patch))
    return sorted_


def _canonical(data: Object) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def template_in(revision: Object) -> Object:
    template = dict((((revision.get("data") or {}).get("spec") or {}).get("template")) or {})
    template.pop("$patch", None)
    return template


def matches(owner: Object, revision: Object) -> bool:
    return same_template(owner["spec"]["template"], template_in(revision))


def new_revision(owner: Object, number: int, collision_count: int | None, hash_label: str) -> Object:
    """The revision of the owner's present template; the collision count changes its name."""
    data = data_of(owner)
    raw = _canonical(data)
    if collision_count is not None:
        raw += str(collision_count).encode()
    hash_ = names.safe_encode(str(fnv32a(raw)))
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{meta.name(owner)[:223]}-{hash_}",
            "namespace": meta.namespace(owner),
            "labels": {**labels, hash_label: hash_},
            "annotations": dict(meta.annotations(owner)),
            "ownerReferences": [meta.owner_reference(owner)],
        },
        "data": data,
        "revision": number,
    }


def order(revision: Object) -> tuple[int, str, str]:
    return revision.get("revision") or 0, meta.creation_time(revision), meta.name(revision)


def surplus(old: list[Object], live: set[str], limit: int, hash_label: str) -> list[Object]:
    """The oldest revisions beyond `limit`; those that a pod still has (`live`: names or hashes) are kept besides."""
    unused = [r for r in old if meta.name(r) not in live and meta.labels(r).get(hash_label) not in live]
    return sorted(unused, key=order)[: max(0, len(unused) - limit)]
