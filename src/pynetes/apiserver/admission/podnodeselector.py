"""PodNodeSelector: pods of a namespace run on the nodes that its annotation, or the configuration, selects for it."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import bad_request
from pynetes.apis.names import NAMESPACES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin
from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.objects import find

Object = dict[str, Any]

ANNOTATION = "scheduler.alpha.kubernetes.io/node-selector"
_DEFAULT = "clusterDefaultNodeSelector"


class PodNodeSelector(Plugin):
    """`selectors`: of each namespace what its pods may select at most, and `clusterDefaultNodeSelector`."""

    name = "PodNodeSelector"

    def __init__(self, objects: Objects, selectors: Mapping[str, str]) -> None:
        self._objects = objects
        self._selectors = selectors

    @classmethod
    def of(cls, objects: Objects, configurations: Configurations) -> "PodNodeSelector":
        found = configurations.raw(cls.name) or {}
        return cls(objects, found.get("podNodeSelectorPluginConfig") or {})

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and attrs.is_resource("", "pods")

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        wanted = await self._checked(attrs)
        spec = attrs.obj.setdefault("spec", {})
        merged = {**wanted, **(spec.get("nodeSelector") or {})}
        if merged:
            spec["nodeSelector"] = merged
        self._check_allowed(attrs, merged)

    async def validate(self, attrs: Attributes) -> None:
        await self._checked(attrs)
        self._check_allowed(attrs, ((attrs.obj or {}).get("spec") or {}).get("nodeSelector") or {})

    async def _checked(self, attrs: Attributes) -> dict[str, str]:
        """The namespace's selector, which the pod's must not contradict."""
        namespace = await find(self._objects, NAMESPACES, attrs.namespace)
        text = meta.annotations(namespace).get(ANNOTATION)
        wanted = labels_of(self._selectors.get(_DEFAULT, "") if text is None else text)
        own = ((attrs.obj or {}).get("spec") or {}).get("nodeSelector") or {}
        if any(own.get(key, value) != value for key, value in wanted.items()):
            raise attrs.forbid("pod node label selector conflicts with its namespace node label selector")
        return wanted

    def _check_allowed(self, attrs: Attributes, selector: Mapping[str, str]) -> None:
        allowed = labels_of(self._selectors.get(attrs.namespace, ""))
        if allowed and any(allowed.get(key) != value for key, value in selector.items()):
            raise attrs.forbid("pod node label selector labels conflict with its namespace whitelist")


def labels_of(text: str) -> dict[str, str]:
    """`a=b,c=d` as labels; StatusError for anything else."""
    found = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or "=" in value:
            raise bad_request(f"invalid selector: {part}")
        found[key.strip()] = value.strip()
    return found
