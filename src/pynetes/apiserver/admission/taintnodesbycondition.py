"""TaintNodesByCondition: a new node takes no pods until it said that it is ready."""

from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.defaulttolerationseconds import NOT_READY


class TaintNodesByCondition(Plugin):
    name = "TaintNodesByCondition"
    asks_only_kind = True

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and attrs.is_resource("", "nodes")

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        spec = attrs.obj.setdefault("spec", {})
        taints = spec.get("taints") or []
        if not any(taint.get("key") == NOT_READY and taint.get("effect") == "NoSchedule" for taint in taints):
            spec["taints"] = [*taints, {"key": NOT_READY, "effect": "NoSchedule"}]
