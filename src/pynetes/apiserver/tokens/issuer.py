"""Who makes tokens out of claims: a key that this server has, or a signer elsewhere (see `external`)."""

from typing import Any, Protocol

from pynetes.component.signing import SigningKey


class IssueError(Exception):
    """There is no token; the message says why, in upstream's words."""


class Issuer(Protocol):
    @property
    def issuer(self) -> str:
        """Its name in tokens (`iss`)."""
        ...

    async def issue(self, claims: dict[str, Any]) -> str:
        """A signed token. IssueError."""
        ...


class LocalIssuer:
    """Signs with a key of its own."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self.issuer = key.issuer

    async def issue(self, claims: dict[str, Any]) -> str:
        return self._key.sign(claims)
