"""The schema of every built-in kind, read lazily from one file that the build extracts (`build_schema/extract.py`).

- `definitions`: the OpenAPI definitions themselves, and which one describes a kind;
- `types`: their fields as compact types, compiled on first use of a kind;
- `zero`: which zero values an object keeps, drops or always shows when it is written again;
- `empties`: what of a request's empty lists and maps is not stored;
- `structs`: msgspec Structs from the types, which decode, prune and check at C speed;
- `checker`: the same check in Python, which knows every error and unknown field in upstream's words.

A process that never decodes (a kubelet, a controller) never reads the file. Nothing here knows a kind's rules: those
are in `pynetes.apis`. To serve another Kubernetes version, change VERSION in the extraction and in `definitions`.
"""

from pynetes.apimachinery.schema.definitions import (
    all_definitions,
    definition,
    definition_name,
    find_definition_name,
    group_version_kinds,
)
from pynetes.apimachinery.schema.structs import struct_decoder

__all__ = [
    "all_definitions",
    "definition",
    "definition_name",
    "find_definition_name",
    "group_version_kinds",
    "struct_decoder",
]
