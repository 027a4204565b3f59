"""What a provider does to values on their way to the store and back."""

from collections.abc import Iterable
from typing import Protocol

from pynetes.apimachinery.errors import aggregate

ENCRYPTED = b"k8s:enc:"
"""No plain value begins so: JSON begins with a brace."""


class TransformError(Exception):
    """A value cannot be decrypted or encrypted; the message says why."""


class Transformer(Protocol):
    """`path` is the value's key in the store; what is read elsewhere than it was written may be refused."""

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        """The plain value, and whether its stored form is stale: not what would be written now. TransformError."""
        ...

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        """What is stored of a plain value. TransformError."""
        ...


class Identity:
    """Plain text; refuses what is encrypted."""

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        if data.startswith(ENCRYPTED):
            raise TransformError("identity transformer tried to read encrypted data")
        return data, False

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        return data


class Prefixed:
    """Several transformers told apart by what values begin with: the first writes, all read.

    Several may have one prefix (a key that is rotated away from), so one that fails does not keep others from trying.
    """

    def __init__(self, transformers: Iterable[tuple[bytes, Transformer]], unmatched: str) -> None:
        """`unmatched` is the error for a value that has none of the prefixes."""
        self._transformers = tuple(transformers)
        self._unmatched = unmatched

    async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
        failures: list[str] = []
        for index, (prefix, transformer) in enumerate(self._transformers):
            if not data.startswith(prefix):
                continue
            try:
                plain, stale = await transformer.from_storage(data[len(prefix) :], path)
            except TransformError as error:
                if prefix:  # plain text first means that another may have to read what is still encrypted
                    failures.append(str(error))
                continue
            return plain, stale or index > 0
        raise TransformError(aggregate(failures) if failures else self._unmatched)

    async def to_storage(self, data: bytes, path: bytes) -> bytes:
        prefix, transformer = self._transformers[0]
        return prefix + await transformer.to_storage(data, path)
