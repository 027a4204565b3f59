"""Objects as YAML in the form that upstream's go-yaml gives it.

A text that would be read as something else stands in double quotes, one of several lines as a block, long ones are
folded, and nothing is written as an alias.
"""

import re
from typing import Any

import yaml

from pynetes.apimachinery.schema.checker import DecodeError
from pynetes.apimachinery.yaml_text import plain

_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
    r"| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?)?",
    re.ASCII,
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?", re.ASCII)


class _Dumper(_Base):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None if _is_plain(text) else '"'
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


def _is_plain(text: str) -> bool:
    """Whether it is read as the same text without quotes."""
    if text == "<<" or _TIMESTAMP.fullmatch(text) or _BASE_60.fullmatch(text):
        return False
    try:
        return isinstance(plain(text), str)
    except DecodeError:
        return False


_Dumper.add_representer(str, _text)


def dump(value: Any, *, sort_keys: bool = True, width: int = 80) -> bytes:
    """`width`: what is longer is folded."""
    found = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=False, sort_keys=sort_keys, allow_unicode=True, width=width
    )
    return found.encode() if isinstance(found, str) else bytes(found)
