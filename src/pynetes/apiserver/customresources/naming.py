"""Which of the names that a definition asks for it gets: in a group, each belongs to the first that took it."""

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]

#: Names in the order in which they are looked at: field, reason of a conflict, what they share their space with.
_SINGLE = (
    ("plural", "PluralConflict", "resources"),
    ("singular", "SingularConflict", "resources"),
)
_KINDS = (("kind", "KindConflict", "kinds"), ("listKind", "ListKindConflict", "kinds"))


def accept(definition: Object, others: Iterable[Object]) -> tuple[Object, Object]:
    """(accepted names, condition NamesAccepted). `others` are all other definitions."""
    group = definition["spec"]["group"]
    wanted, accepted = definition["spec"]["names"], _accepted(definition)
    taken = _taken(other for other in others if other["spec"]["group"] == group)
    names = dict(accepted)
    conflict: tuple[str, str] | None = None
    for field, reason, space in _SINGLE:
        conflict = _take(names, wanted, accepted, field, reason, taken[space]) or conflict
    conflict = _take_short_names(names, wanted, accepted, taken["resources"]) or conflict
    for field, reason, space in _KINDS:
        conflict = _take(names, wanted, accepted, field, reason, taken[space]) or conflict
    _set(names, "categories", wanted.get("categories"))
    reason, message = conflict or ("NoConflicts", "no conflicts found")
    condition = {
        "type": "NamesAccepted",
        "status": "False" if conflict else "True",
        "reason": reason,
        "message": message,
    }
    return names, condition


def _accepted(definition: Object) -> Object:
    return (definition.get("status") or {}).get("acceptedNames") or {}


def _taken(others: Iterable[Object]) -> dict[str, set[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names = _accepted(other)
        resources |= {names.get("plural") or "", names.get("singular") or "", *(names.get("shortNames") or ())}
        kinds |= {names.get("kind") or "", names.get("listKind") or ""}
    return {"resources": resources, "kinds": kinds}


def _take(
    names: Object, wanted: Object, accepted: Object, field: str, reason: str, taken: set[str]
) -> tuple[str, str] | None:
    """The conflict, if there is one; else the name is taken."""
    name = wanted.get(field) or ""
    if name != (accepted.get(field) or "") and name in taken:
        return reason, f'"{name}" is already in use'
    _set(names, field, name)
    return None


def _take_short_names(names: Object, wanted: Object, accepted: Object, taken: set[str]) -> tuple[str, str] | None:
    asked, own = wanted.get("shortNames") or [], accepted.get("shortNames") or []
    if asked == own:
        return None
    clashes = [f'"{name}" is already in use' for name in asked if name not in own and name in taken]
    if clashes:
        unique = list(dict.fromkeys(clashes))
        return "ShortNamesConflict", unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
    _set(names, "shortNames", asked)
    return None


def _set(names: Object, field: str, value: Any) -> None:
    if value:
        names[field] = value
    else:
        names.pop(field, None)
