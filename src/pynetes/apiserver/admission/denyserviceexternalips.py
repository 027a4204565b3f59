"""DenyServiceExternalIPs: no Service takes over addresses that are not its own; those that have some may keep them."""

from pynetes.apiserver.admission.attributes import Attributes, Plugin


class DenyServiceExternalIPs(Plugin):
    name = "DenyServiceExternalIPs"
    asks_only_kind = True

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation in ("CREATE", "UPDATE") and attrs.is_resource("", "services")

    async def validate(self, attrs: Attributes) -> None:
        wanted, before = (
            set(((obj or {}).get("spec") or {}).get("externalIPs") or ()) for obj in (attrs.obj, attrs.old)
        )
        if not wanted <= before:
            raise attrs.forbid("Use of external IPs is denied by admission control")
