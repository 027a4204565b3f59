"""Request headers of a front proxy: X-Remote-User and its kin, believed only from a proxy's client certificate."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authentication.x509 import CertificateVerifier, common_name
from pynetes.apiserver.http import Request
from pynetes.component import certificates

USER_HEADER = "X-Remote-User"
UID_HEADER = "X-Remote-Uid"
GROUP_HEADER = "X-Remote-Group"
EXTRA_PREFIX = "x-remote-extra-"


class RequestHeaderAuthenticator:
    """`allowed_names`: common names that a front proxy may have; empty means any that the authority signed."""

    def __init__(self, verifier: CertificateVerifier, allowed_names: Iterable[str] = ()) -> None:
        self._verifier = verifier
        self._allowed = frozenset(allowed_names)

    @classmethod
    def load(cls, authority: Path, allowed_names: Iterable[str] = ()) -> "RequestHeaderAuthenticator":
        return cls(CertificateVerifier(certificates.load_certificates(authority)), allowed_names)

    async def authenticate(self, request: Request) -> UserInfo | None:
        if request.peer_certificate is None or USER_HEADER not in request.headers:
            return None
        certificate = self._verifier.verify(request.peer_certificate)
        if certificate is None or (self._allowed and common_name(certificate) not in self._allowed):
            return None
        return user_of(request.headers)


def user_of(headers: Mapping[str, str]) -> UserInfo | None:
    """The identity that a trusted proxy states; None without a name."""
    name = headers.get(USER_HEADER, "").strip()
    if not name:
        return None
    extra = {
        unquote(header[len(EXTRA_PREFIX) :].lower()): values(headers, header)
        for header in dict.fromkeys(key.lower() for key in headers)
        if header.startswith(EXTRA_PREFIX)
    }
    return UserInfo(name, uid=headers.get(UID_HEADER, ""), groups=values(headers, GROUP_HEADER), extra=extra)


def values(headers: Mapping[str, str], name: str) -> tuple[str, ...]:
    """All values of a header that may be repeated."""
    getall = getattr(headers, "getall", None)
    if getall is not None:
        return tuple(getall(name, ()))
    return (headers[name],) if name in headers else ()
