"""AlwaysAllow and AlwaysDeny: everybody may do everything, nobody may do anything."""

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import ALLOW, Attributes, Decision
from pynetes.apiserver.authorization.rules import EVERYTHING, Held

_FORBIDDEN = Decision(False, reason="Everything is forbidden.")


class AlwaysAllow:
    def authorize(self, attrs: Attributes) -> Decision:
        return ALLOW

    def held(self, user: UserInfo, namespace: str) -> Held:
        return Held(EVERYTHING)


class AlwaysDeny:
    """Has no opinion, so that authorizers after it may allow."""

    def authorize(self, attrs: Attributes) -> Decision:
        return _FORBIDDEN

    def held(self, user: UserInfo, namespace: str) -> Held:
        return Held()
