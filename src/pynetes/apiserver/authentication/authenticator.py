"""The two shapes of an authenticator, and how one says that credentials are bad."""

from collections.abc import Mapping
from typing import Protocol

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.http import Request


class InvalidCredentials(Exception):
    """Credentials of this authenticator's kind that do not hold. The text may be shown to the user."""

    def __init__(self, text: str, annotations: Mapping[str, str] | None = None) -> None:
        """`annotations`: what the audit log is to say."""
        super().__init__(text)
        self.annotations = dict(annotations or {})


class RequestAuthenticator(Protocol):
    async def authenticate(self, request: Request) -> UserInfo | None:
        """The identity that the request proves; None if it carries no credentials of this kind."""
        ...


class TokenAuthenticator(Protocol):
    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        """The identity that a bearer token proves to one of `audiences`; None if it is no token of this kind."""
        ...
