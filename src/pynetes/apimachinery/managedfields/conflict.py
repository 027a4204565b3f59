"""Conflicts as clients see them: 409 with the owning managers and the fields, in the original's words."""

import orjson

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.managedfields.elements import show_path
from pynetes.apimachinery.managedfields.entries import UPDATE, ManagerId
from pynetes.apimachinery.managedfields.updater import ConflictError


def conflict_error(error: ConflictError) -> StatusError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {shown(manager)}",
            "field": show_path(path),
        }
        for manager, path in error.conflicts
    ]
    return StatusError(409, "Conflict", _message(error), {"causes": causes})


def _message(error: ConflictError) -> str:
    conflicts = error.conflicts
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {shown(manager)}: {show_path(path)}"
    lines: list[str] = []
    for manager in sorted({manager for manager, _ in conflicts}, key=lambda found: found.text):
        lines.append(f"conflicts with {shown(manager)}:")
        lines += [f"- {show_path(path)}" for owner, path in conflicts if owner == manager]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def shown(manager: ManagerId) -> str:
    """A manager as messages name it."""
    text = _quoted(manager.manager)
    if manager.subresource:
        text += f" with subresource {_quoted(manager.subresource)}"
    return f"{text} using {manager.api_version}" if manager.operation == UPDATE else text


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
