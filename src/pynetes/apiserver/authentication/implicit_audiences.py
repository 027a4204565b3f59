"""Tokens that name no audience (static and bootstrap tokens) are meant for this server's."""

from msgspec.structs import replace

from pynetes.apiserver.authentication.authenticator import TokenAuthenticator
from pynetes.apiserver.authentication.user import UserInfo


class ImplicitAudiences:
    """Asks another authenticator, and only where one of the server's own `audiences` is wanted."""

    def __init__(self, kind: TokenAuthenticator, audiences: tuple[str, ...]) -> None:
        self._kind = kind
        self._audiences = audiences

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        accepted = tuple(own for own in self._audiences if own in audiences)
        found = await self._kind.authenticate_token(token, audiences) if accepted else None
        return None if found is None else replace(found, audiences=accepted)
