"""What a document depends on, as one hash: the schema's version and the resources' table."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.schema.definitions import VERSION
from pynetes.apis.resource import Resource

# Changes with the generator, so that clients do not keep what an older one wrote.
_FORM = 2


def signature(resources: Iterable[Resource], extra: Mapping[str, dict[str, Any]]) -> str:
    """128 hexadecimal digits, as upstream's index shows them."""
    table = [
        (
            str(resource.gvk),
            resource.plural,
            resource.namespaced,
            resource.verbs,
            [(sub.name, str(sub.gvk), sub.verbs) for sub in resource.subresources],
        )
        for resource in resources
    ]
    text = json_writer.encode([VERSION, _FORM, table, dict(extra)], orjson.OPT_SORT_KEYS)
    return hashlib.sha512(text).hexdigest().upper()
