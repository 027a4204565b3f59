"""aiohttp, imported without reading the machine's authorities; to be called before anything imports it.

It has a TLS context for requests that name no authorities, made as it is imported: reading all certificates that the
machine trusts takes as long as all its modules together, and ours name theirs (`component.certificates.trusting`).
"""

import ssl
import sys
from typing import Any


class _LateContext(ssl.SSLContext):
    """Reads the machine's authorities when it is first used."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self._complete().wrap_bio(*args, **kwargs)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return self._complete().wrap_socket(*args, **kwargs)

    def _complete(self) -> ssl.SSLContext:
        self.__class__ = ssl.SSLContext  # type: ignore[assignment]
        self.load_default_certs()
        return self


def _later(context: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
    if purpose is ssl.Purpose.SERVER_AUTH:
        context.__class__ = _LateContext
    else:
        _at_once(context, purpose)


_at_once = ssl.SSLContext.load_default_certs


def import_aiohttp() -> None:
    """Nothing changes for whoever has imported it before."""
    if "aiohttp" in sys.modules:
        return
    ssl.SSLContext.load_default_certs = _later  # type: ignore[assignment,method-assign]
    try:
        import aiohttp  # noqa: F401
    finally:
        ssl.SSLContext.load_default_certs = _at_once  # type: ignore[method-assign]
