"""AlwaysAdmit and AlwaysDeny: nothing refused, everything refused. Upstream has deprecated both."""

from pynetes.apiserver.admission.attributes import Attributes, Plugin


class AlwaysAdmit(Plugin):
    name = "AlwaysAdmit"

    def handles(self, attrs: Attributes) -> bool:
        return False


class AlwaysDeny(Plugin):
    name = "AlwaysDeny"

    async def admit(self, attrs: Attributes) -> None:
        raise attrs.forbid("admission control is denying all modifications")

    async def validate(self, attrs: Attributes) -> None:
        raise attrs.forbid("admission control is denying all modifications")
