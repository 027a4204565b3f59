"""PodTolerationRestriction: what pods of a namespace tolerate by default, and what they may tolerate at all."""

from collections.abc import Sequence
from typing import Any

import orjson

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core.qos import BEST_EFFORT, qos_class
from pynetes.apis.names import NAMESPACES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin
from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.objects import find

Object = dict[str, Any]
Tolerations = list[Object]

DEFAULT = "scheduler.alpha.kubernetes.io/defaultTolerations"
WHITELIST = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
_KINDS = (("podtolerationrestriction.admission.k8s.io/v1alpha1", "Configuration"),)
_TOLERATIONS = [{"key": str, "operator": str, "value": str, "effect": str, "tolerationSeconds": int}]
_MEMORY_PRESSURE = {"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}


class PodTolerationRestriction(Plugin):
    """`default` and `whitelist` are those of namespaces without annotations."""

    name = "PodTolerationRestriction"

    def __init__(self, objects: Objects, default: Sequence[Object] = (), whitelist: Sequence[Object] = ()) -> None:
        self._objects = objects
        self._default = list(default)
        self._whitelist = list(whitelist)

    @classmethod
    def of(cls, objects: Objects, configurations: Configurations) -> "PodTolerationRestriction":
        shape = {"default": _TOLERATIONS, "whitelist": _TOLERATIONS}
        found = configurations.of(cls.name, _KINDS, shape) or {}
        return cls(objects, found.get("default") or (), found.get("whitelist") or ())

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation in ("CREATE", "UPDATE") and attrs.is_resource("", "pods")

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        added: Tolerations = []
        if attrs.operation == "CREATE":
            own = await self._of_namespace(attrs, DEFAULT)
            added = list(self._default if own is None else own)
        if qos_class(attrs.obj) != BEST_EFFORT:
            added.append(dict(_MEMORY_PRESSURE))
        if added:
            spec = attrs.obj.setdefault("spec", {})
            spec["tolerations"] = merged([*(spec.get("tolerations") or ()), *added])
        await self.validate(attrs)

    async def validate(self, attrs: Attributes) -> None:
        tolerations = ((attrs.obj or {}).get("spec") or {}).get("tolerations") or []
        if not tolerations:
            return
        own = await self._of_namespace(attrs, WHITELIST)
        allowed, scope = (self._whitelist, "cluster") if own is None else (own, "namespace")
        if allowed and not all(any(covers(each, toleration) for each in allowed) for toleration in tolerations):
            merging = "possibly merged with namespace default tolerations"
            raise StatusError(500, "", f"pod tolerations ({merging}) conflict with its {scope} whitelist")

    async def _of_namespace(self, attrs: Attributes, annotation: str) -> Tolerations | None:
        """None without the annotation."""
        namespace = await find(self._objects, NAMESPACES, attrs.namespace)
        text = meta.annotations(namespace).get(annotation)
        if text is None:
            return None
        try:
            found = orjson.loads(text) if text else []
        except orjson.JSONDecodeError as error:
            raise StatusError(500, "", str(error)) from None
        return list(found or ())


def merged(tolerations: Sequence[Object]) -> Tolerations:
    """Without those that another one covers; of equal ones the first stays."""
    kept: Tolerations = []
    for index, toleration in enumerate(tolerations):
        later = tolerations[index + 1 :]
        covered = any(covers(each, toleration) for each in kept)
        if not covered and not any(each != toleration and covers(each, toleration) for each in later):
            kept.append(toleration)
    return kept


def covers(wide: Object, narrow: Object) -> bool:
    """Whether what `narrow` tolerates is a part of what `wide` does."""
    if wide == narrow:
        return True
    key, operator, effect = (wide.get(field) or "" for field in ("key", "operator", "effect"))
    if key != (narrow.get("key") or "") and (key or operator != "Exists"):
        return False
    if effect not in ("", narrow.get("effect") or ""):
        return False
    limit = wide.get("tolerationSeconds") if effect == "NoExecute" else None
    if limit is not None and (narrow.get("tolerationSeconds") is None or narrow["tolerationSeconds"] > limit):
        return False
    if operator == "Exists":
        return True
    return operator in ("", "Equal") and narrow.get("operator") == "Equal" and _value(narrow) == _value(wide)


def _value(toleration: Object) -> str:
    return toleration.get("value") or ""
