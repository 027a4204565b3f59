"""The issuers of JSON Web Tokens that are in force, and putting others in their place."""

import asyncio
from collections.abc import Sequence

from pynetes.apiserver.authentication.oidc import Issuer, OIDCAuthenticator
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.reload import TryLaterError
from pynetes.component import clock
from pynetes.component.tasks import BackgroundTasks

#: For how long new issuers may be unknown, and old ones finish what they have begun (seconds).
_PATIENCE, _GRACE = 60.0, 60.0


class Issuers:
    """A token authenticator. `audiences` are those of this server. `start` looks for the issuers' keys."""

    def __init__(self, issuers: Sequence[Issuer], audiences: tuple[str, ...]) -> None:
        self._audiences = audiences
        self._current = self._made(issuers)
        self._looking = BackgroundTasks("issuers")
        self._old: list[OIDCAuthenticator] = []
        self._leaving = BackgroundTasks("old issuers")

    def _made(self, issuers: Sequence[Issuer]) -> list[OIDCAuthenticator]:
        return [OIDCAuthenticator(issuer, self._audiences) for issuer in issuers]

    def start(self) -> None:
        for each in self._current:
            self._looking.start(each.run(), name=each.issuer.url)

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        for each in self._current:
            found = await each.authenticate_token(token, audiences)
            if found is not None:
                return found
        return None

    async def replace(self, issuers: Sequence[Issuer]) -> None:
        """Others are in force once all their keys' places are known; TryLaterError if they are not within a minute."""
        new = self._made(issuers)
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*(each.run() for each in new))
        except TimeoutError:
            await _close(new)
            raise TryLaterError("not all issuers answer") from None
        old, self._current = self._current, new
        looking, self._looking = self._looking, BackgroundTasks("issuers")
        await looking.close()
        self._old += old
        kept = {each.issuer.url for each in new}
        for each in old:
            if each.issuer.url not in kept:
                each.measures.forget()
        self._leaving.start(self._close_later(old), name="close")

    async def close(self) -> None:
        await self._looking.close()
        await self._leaving.close()
        await _close((*self._old, *self._current))

    async def _close_later(self, old: Sequence[OIDCAuthenticator]) -> None:
        await clock.sleep(_GRACE)
        self._old = [each for each in self._old if each not in old]
        await _close(old)


async def _close(authenticators: Sequence[OIDCAuthenticator]) -> None:
    for each in authenticators:
        await each.close()
