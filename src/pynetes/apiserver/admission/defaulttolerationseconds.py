"""DefaultTolerationSeconds: pods stay a while on a node that is not ready or not reachable."""

from typing import Any

from pynetes.apiserver.admission.attributes import Attributes, Plugin

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"


class DefaultTolerationSeconds(Plugin):
    name = "DefaultTolerationSeconds"
    asks_only_kind = True

    def __init__(self, not_ready: int, unreachable: int) -> None:
        self._seconds = {NOT_READY: not_ready, UNREACHABLE: unreachable}

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation in ("CREATE", "UPDATE") and attrs.is_resource("", "pods")

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        spec = attrs.obj.setdefault("spec", {})
        present = spec.get("tolerations") or []
        missing = [key for key in self._seconds if not any(_covers(toleration, key) for toleration in present)]
        if missing:
            spec["tolerations"] = [*present, *(self._toleration(key) for key in missing)]

    def _toleration(self, key: str) -> dict[str, Any]:
        return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": self._seconds[key]}


def _covers(toleration: dict[str, Any], key: str) -> bool:
    return toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")
