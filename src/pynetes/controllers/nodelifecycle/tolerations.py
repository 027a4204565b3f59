"""How long a pod bears the NoExecute taints of its node."""

from typing import Any

Object = dict[str, Any]

FOREVER = None


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether one toleration covers one taint: empty key and effect cover all."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    key = toleration.get("key") or ""
    operator = toleration.get("operator") or "Equal"
    if key and key != taint["key"]:
        return False
    value, wanted = toleration.get("value") or "", taint.get("value") or ""
    match operator:
        case "Exists":
            return True
        case "Equal":
            return bool(value == wanted)
        case "Lt" | "Gt":
            return _compare(operator, value, wanted)
    return False


def _compare(operator: str, value: str, wanted: str) -> bool:
    """Numeric operators hold between the taint's and the toleration's number."""
    try:
        return int(wanted) < int(value) if operator == "Lt" else int(wanted) > int(value)
    except ValueError:
        return False


def seconds(tolerations: list[Object], taints: list[Object]) -> float | None:
    """How long a pod with these tolerations may stay under these taints; 0 not at all, None for ever."""
    used = []
    for taint in taints:
        found = next((t for t in tolerations if tolerates(t, taint)), None)
        if found is None:
            return 0.0
        used.append(found)
    limits = [t["tolerationSeconds"] for t in used if t.get("tolerationSeconds") is not None]
    return max(0.0, float(min(limits))) if limits else FOREVER


def no_execute(node: Object) -> list[Object]:
    return [t for t in (node.get("spec") or {}).get("taints") or () if t.get("effect") == "NoExecute"]
