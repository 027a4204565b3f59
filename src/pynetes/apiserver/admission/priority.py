"""Priority: a pod's priority comes from its PriorityClass; at most one class is the default."""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import PRIORITY_CLASSES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

Object = dict[str, Any]


class Priority(Plugin):
    name = "Priority"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        if attrs.operation not in ("CREATE", "UPDATE"):
            return False
        return attrs.is_resource("", "pods") or attrs.is_resource("scheduling.k8s.io", "priorityclasses")

    async def admit(self, attrs: Attributes) -> None:
        if attrs.gvr.resource != "pods":
            return
        assert attrs.obj is not None
        spec = attrs.obj.setdefault("spec", {})
        if attrs.operation == "UPDATE":
            before = (attrs.old or {}).get("spec") or {}
            for field in ("priority", "preemptionPolicy"):
                if spec.get(field) is None and before.get(field) is not None:
                    spec[field] = before[field]
            return
        self._set(attrs, spec, await self._class_of(attrs, spec.get("priorityClassName") or ""))

    def _set(self, attrs: Attributes, spec: Object, found: Object | None) -> None:
        value = (found or {}).get("value", 0)
        given = spec.get("priority")
        if given is not None and given != value:
            raise attrs.forbid(
                f"the integer value of priority ({given}) must not be provided in pod spec; priority admission "
                f"controller computed {value} from the given PriorityClass name"
            )
        spec["priority"] = value
        policy = "PreemptLowerPriority"
        if found is not None:
            spec["priorityClassName"] = found["metadata"]["name"]
            policy = found.get("preemptionPolicy") or policy
        given = spec.get("preemptionPolicy")
        if given is not None and given != policy:
            raise attrs.forbid(
                f"the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission "
                f"controller computed {policy} from the given PriorityClass name"
            )
        spec["preemptionPolicy"] = policy

    async def _class_of(self, attrs: Attributes, name: str) -> Object | None:
        if not name:
            return self._default()
        found = self._objects.cached_get(PRIORITY_CLASSES, name)
        if found is not None:
            return found
        try:
            return await self._objects.get(PRIORITY_CLASSES, name)
        except StatusError as error:
            if error.reason != "NotFound":
                raise
            raise attrs.forbid(f"no PriorityClass with name {name} was found") from None

    def _default(self) -> Object | None:
        """Several can be there after a race: the lowest counts."""
        marked = [c for c in self._objects.cached_list(PRIORITY_CLASSES) if c.get("globalDefault")]
        return min(marked, key=lambda c: c.get("value", 0), default=None)

    async def validate(self, attrs: Attributes) -> None:
        if attrs.gvr.resource != "priorityclasses" or attrs.obj is None or not attrs.obj.get("globalDefault"):
            return
        present = self._default()
        if present is None:
            return
        name = present["metadata"]["name"]
        if attrs.operation == "CREATE" or name != attrs.obj["metadata"]["name"]:
            raise attrs.forbid(f"PriorityClass {name} is already marked as default. Only one default can exist")
