"""Reading and changing what all objects share: metadata, owners, finalizers, conditions.

Functions that read accept objects without metadata; functions that change, change in place.
"""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import times
from pynetes.component import clock

Object = dict[str, Any]


def name(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or {}).get("name") or ""


def namespace(obj: Mapping[str, Any]) -> str:
    """Empty for cluster-scoped objects."""
    return (obj.get("metadata") or {}).get("namespace") or ""


def uid(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or {}).get("uid") or ""


def resource_version(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or {}).get("resourceVersion") or ""


def generation(obj: Mapping[str, Any]) -> int:
    return (obj.get("metadata") or {}).get("generation") or 0


def observed_generation(obj: Mapping[str, Any]) -> dict[str, int]:
    """What a condition says of the generation that it is about; nothing if the object has none."""
    return {"observedGeneration": found} if (found := generation(obj)) else {}


def labels(obj: Mapping[str, Any]) -> dict[str, str]:
    """The object's labels; an empty dict that is not part of the object if it has none."""
    return (obj.get("metadata") or {}).get("labels") or {}


def annotations(obj: Mapping[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def set_label(obj: Object, key: str, value: str) -> None:
    metadata = obj.setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), key: value}


def set_annotation(obj: Object, key: str, value: str) -> None:
    metadata = obj.setdefault("metadata", {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), key: value}


def key(obj: Mapping[str, Any]) -> str:
    """`ns/name`, or `name` for cluster-scoped objects: what work queues carry."""
    metadata = obj.get("metadata") or {}
    own = metadata.get("name") or ""
    space = metadata.get("namespace")
    return f"{space}/{own}" if space else own


def split_key(text: str) -> tuple[str, str]:
    """(namespace, name) of a key."""
    space, _, own = text.rpartition("/")
    return space, own


def is_deleting(obj: Mapping[str, Any]) -> bool:
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def creation_time(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or {}).get("creationTimestamp") or ""


def owner_references(obj: Mapping[str, Any]) -> list[Object]:
    return (obj.get("metadata") or {}).get("ownerReferences") or []


def controller_of(obj: Mapping[str, Any]) -> Object | None:
    """The owner reference of the managing controller."""
    for reference in owner_references(obj):
        if reference.get("controller"):
            return reference
    return None


def is_controlled_by(obj: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    reference = controller_of(obj)
    return reference is not None and reference.get("uid") == uid(owner)


def owner_reference(owner: Mapping[str, Any], controller: bool = True, block: bool = True) -> Object:
    reference: Object = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name(owner),
        "uid": uid(owner),
    }
    if controller:
        reference["controller"] = True
    if block:
        reference["blockOwnerDeletion"] = True
    return reference


def finalizers(obj: Mapping[str, Any]) -> list[str]:
    return (obj.get("metadata") or {}).get("finalizers") or []


def add_finalizer(obj: Object, finalizer: str) -> bool:
    """Whether the object changed."""
    present = finalizers(obj)
    if finalizer in present:
        return False
    obj.setdefault("metadata", {})["finalizers"] = [*present, finalizer]
    return True


def remove_finalizer(obj: Object, finalizer: str) -> bool:
    present = finalizers(obj)
    if finalizer not in present:
        return False
    left = [entry for entry in present if entry != finalizer]
    if left:
        obj["metadata"]["finalizers"] = left
    else:
        del obj["metadata"]["finalizers"]
    return True


def get_condition(conditions: list[Object] | None, type: str) -> Object | None:
    for condition in conditions or ():
        if condition.get("type") == type:
            return condition
    return None


def is_condition_true(conditions: list[Object] | None, type: str) -> bool:
    condition = get_condition(conditions, type)
    return condition is not None and condition.get("status") == "True"


def set_condition(conditions: list[Object], new: Object) -> bool:
    """Puts `new` in by its type; lastTransitionTime moves only when the status does. Whether anything changed."""
    present = get_condition(conditions, new["type"])
    if present is None:
        added = dict(new)
        added.setdefault("lastTransitionTime", times.format_time(clock.now()))
        conditions.append(added)
        return True
    before = dict(present)
    if present.get("status") != new.get("status"):
        present["lastTransitionTime"] = new.get("lastTransitionTime") or times.format_time(clock.now())
    present.update({field: value for field, value in new.items() if field != "lastTransitionTime"})
    return present != before


def remove_condition(conditions: list[Object], type: str) -> bool:
    left = [condition for condition in conditions if condition.get("type") != type]
    changed = len(left) != len(conditions)
    conditions[:] = left
    return changed


def copy_object(obj: Object) -> Object:
    """A deep copy of an object but for its managed fields, which are never changed in place."""
    out: Object = {}
    for field, value in obj.items():
        if field == "metadata":
            out[field] = {name: item if name == "managedFields" else copy(item) for name, item in value.items()}
        else:
            out[field] = copy(value)
    return out


def copy(value: Any) -> Any:
    """A deep copy of an object made of dicts and lists; scalars are shared. Several times as fast as copy.deepcopy."""
    kind = type(value)
    if kind is dict:
        return {
            field: (copy(item) if type(item) is dict or type(item) is list else item) for field, item in value.items()
        }
    if kind is list:
        return [copy(item) if type(item) is dict or type(item) is list else item for item in value]
    return value
