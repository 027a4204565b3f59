"""Semantic equality: whether two pieces of an object mean the same.

A typed client leaves out what is empty or false, a person may write it down; upstream's Go types make no difference
between the two where they hold values, so neither do updates here: a missing field equals an empty list, an empty
text that is no pointer and, for the fields below, an empty object, false or zero. What comes from clients has lost
such values already in the codec. Quantities and times are compared as they are stored, that is, in canonical form.
"""

from typing import Any

import msgspec

from pynetes.apimachinery.schema.zero import is_text_pointer

_ABSENT_FALSE = frozenset(
    (
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "stdin",
        "stdinOnce",
        "tty",
        "readOnly",
        "paused",
        "publishNotReadyAddresses",
        "unschedulable",
        "notReady",
        "globalDefault",
    )
)
_ABSENT_ZERO = frozenset(("hostPort", "initialDelaySeconds", "minReadySeconds", "nodePort", "healthCheckNodePort"))
# Texts that are pointers in the kinds that are compared, though not in all.
_EMPTY_TEXT_COUNTS = frozenset(
    ("apiGroup", "fsType", "hostname", "namespace", "nodeName", "protocol", "restartPolicy", "storageClassName")
)
# Maps, and structs that are values: an empty one is nothing. All others are pointers.
_EMPTY_OBJECT_IS_ABSENT = frozenset(
    (
        *("annotations", "labels", "limits", "matchLabels", "metadata", "nodeSelector", "overhead"),
        *("parameters", "requests", "spec", "status"),
    )
)


def _is_absent(key: str, value: Any) -> bool:
    if value is None or value == []:
        return True
    if value == {}:
        return key in _EMPTY_OBJECT_IS_ABSENT
    if value == "":
        return key not in _EMPTY_TEXT_COUNTS and not is_text_pointer(key)
    if value is False:
        return key in _ABSENT_FALSE
    return value == 0 and value is not True and key in _ABSENT_ZERO


def _text(value: Any) -> bytes:
    """To Python 1 and True are one."""
    return msgspec.json.encode(value, order="sorted")


def semantic_equal(a: Any, b: Any, key: str = "") -> bool:
    """`key` is the name of the field that holds the two."""
    if a == b and isinstance(a, (dict, list)) and _text(a) == _text(b):
        return True  # as most are: told at C speed, which takes a tenth of the time
    if isinstance(a, dict) and isinstance(b, dict):
        return all(semantic_equal(a.get(k), b.get(k), k) for k in a.keys() | b.keys())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(semantic_equal(x, y) for x, y in zip(a, b, strict=True))
    if a == b and isinstance(a, bool) == isinstance(b, bool):
        return True
    return _is_absent(key, a) and _is_absent(key, b)
