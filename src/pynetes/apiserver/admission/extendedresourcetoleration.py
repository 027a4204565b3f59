"""ExtendedResourceToleration: who asks for a device tolerates the taint that keeps others off its nodes."""

from typing import Any

from pynetes.apis.core.resource_names import is_extended
from pynetes.apiserver.admission.attributes import Attributes, Plugin

Object = dict[str, Any]


class ExtendedResourceToleration(Plugin):
    name = "ExtendedResourceToleration"

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation in ("CREATE", "UPDATE") and attrs.is_resource("", "pods")

    async def admit(self, attrs: Attributes) -> None:
        spec = (attrs.obj or {}).get("spec") or {}
        names = {
            name
            for field in ("containers", "initContainers")
            for container in spec.get(field) or ()
            for name in (container.get("resources") or {}).get("requests") or {}
            if is_extended(name)
        }
        tolerations = list(spec.get("tolerations") or ())
        for name in sorted(names):
            toleration = {"key": name, "operator": "Exists", "effect": "NoSchedule"}
            alike = [i for i, present in enumerate(tolerations) if _is_alike(present, toleration)]
            for index in alike:
                tolerations[index] = toleration
            if not alike:
                tolerations.append(toleration)
        if names:
            spec["tolerations"] = tolerations


def _is_alike(present: Object, toleration: Object) -> bool:
    """The same but for how long it holds."""
    fields = ("key", "operator", "effect", "value")
    return all((present.get(field) or "") == (toleration.get(field) or "") for field in fields)
