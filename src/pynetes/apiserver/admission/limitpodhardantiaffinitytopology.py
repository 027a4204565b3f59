"""LimitPodHardAntiAffinityTopology: required anti-affinity keeps pods off a node, not out of a zone."""

from pynetes.apiserver.admission.attributes import Attributes, Plugin

_HOSTNAME = "kubernetes.io/hostname"


class LimitPodHardAntiAffinityTopology(Plugin):
    name = "LimitPodHardAntiAffinityTopology"

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation in ("CREATE", "UPDATE") and attrs.is_resource("", "pods")

    async def validate(self, attrs: Attributes) -> None:
        affinity = ((attrs.obj or {}).get("spec") or {}).get("affinity") or {}
        terms = (affinity.get("podAntiAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for term in terms:
            key = term.get("topologyKey") or ""
            if key != _HOSTNAME:
                raise attrs.forbid(
                    f"affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {key} but only key {_HOSTNAME} "
                    "is allowed"
                )
