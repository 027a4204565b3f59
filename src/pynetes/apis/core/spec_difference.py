"""What an update tried to change, for the message that refuses it."""

from typing import Any

import orjson

from pynetes.apis.equality import semantic_equal


def difference(old: Any, new: Any) -> str:
    """Changed paths with old and new value, one a line: people read it, programs must not."""
    lines: list[str] = []
    _collect(old, new, "", lines)
    return "\n".join(lines)


def _collect(old: Any, new: Any, path: str, lines: list[str]) -> None:
    if semantic_equal(old, new, path.rpartition(".")[2]):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            _collect(old.get(key), new.get(key), f"{path}.{key}" if path else key, lines)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (mine, theirs) in enumerate(zip(old, new, strict=True)):
            _collect(mine, theirs, f"{path}[{index}]", lines)
    else:
        lines += [f"- {path}: {_text(old)}", f"+ {path}: {_text(new)}"]


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
