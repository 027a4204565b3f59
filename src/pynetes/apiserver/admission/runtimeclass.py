"""RuntimeClass: a pod's overhead and placement come from the class it names."""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.names import path_segment_name
from pynetes.apimachinery.quantity import parse
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apis.names import RUNTIME_CLASSES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

Object = dict[str, Any]


class RuntimeClass(Plugin):
    name = "RuntimeClass"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and attrs.is_resource("", "pods")

    async def _class_of(self, attrs: Attributes, spec: Object) -> Object | None:
        name = spec.get("runtimeClassName")
        if name is None:
            return None
        if not name:
            raise StatusError(500, "", "resource name may not be empty")
        if bad := path_segment_name(name):
            raise StatusError(500, "", f"invalid resource name {go_quoted(name)}: [{' '.join(bad)}]")
        try:
            return self._objects.cached_get(RUNTIME_CLASSES, name) or await self._objects.get(RUNTIME_CLASSES, name)
        except StatusError as error:
            if error.reason != "NotFound":
                raise
            raise attrs.forbid(f'pod rejected: RuntimeClass "{name}" not found') from None

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        spec = attrs.obj.get("spec") or {}
        found = await self._class_of(attrs, spec)
        if found is None:
            return
        overhead = (found.get("overhead") or {}).get("podFixed")
        if overhead:
            if spec.get("overhead") and not _same(spec["overhead"], overhead):
                raise attrs.forbid("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
            spec["overhead"] = dict(overhead)
        if found.get("scheduling"):
            _place(attrs, spec, found["scheduling"])

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        spec = attrs.obj.get("spec") or {}
        found = await self._class_of(attrs, spec)
        overhead = ((found or {}).get("overhead") or {}).get("podFixed")
        if not overhead and spec.get("overhead") is not None:
            raise attrs.forbid("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        if overhead and not _same(spec.get("overhead") or {}, overhead):
            raise attrs.forbid("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")


def _same(one: Object, other: Object) -> bool:
    return {k: parse(v) for k, v in one.items()} == {k: parse(v) for k, v in other.items()}


def _place(attrs: Attributes, spec: Object, scheduling: Object) -> None:
    selector = dict(spec.get("nodeSelector") or {})
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.setdefault(key, value) != value:
            raise attrs.forbid(
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {selector[key]}"
            )
    if selector:
        spec["nodeSelector"] = selector
    own = spec.get("tolerations") or []
    added = [toleration for toleration in scheduling.get("tolerations") or [] if toleration not in own]
    if added:
        spec["tolerations"] = [*own, *added]
