"""Request headers of a front proxy: X-Remote-User and its kin, believed only from a proxy's client certificate."""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from msgspec import Struct

from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authentication.x509 import CertificateVerifier, common_name
from pynetes.apiserver.http import Request


class Headers(Struct, frozen=True):
    """Which headers state what; of those for name and UID, the first that is not empty counts."""

    username: tuple[str, ...] = ("X-Remote-User",)
    uid: tuple[str, ...] = ()
    group: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefix: tuple[str, ...] = ("X-Remote-Extra-",)


KUBEADM = Headers()


class RequestHeaderAuthenticator:
    """`allowed_names`: common names that a front proxy may have; empty means any that the authority signed."""

    def __init__(
        self, verifier: CertificateVerifier, allowed_names: Iterable[str] = (), headers: Headers = KUBEADM
    ) -> None:
        self._verifier = verifier
        self._allowed = frozenset(allowed_names)
        self._headers = headers

    async def authenticate(self, request: Request) -> UserInfo | None:
        if request.peer_certificate is None or not _first(request.headers, self._headers.username):
            return None
        name = common_name(self._verifier.verify(request.peer_certificate, request.peer_issuers))
        if self._allowed and name not in self._allowed:
            raise InvalidCredentials(f"x509: subject with cn={name} is not in the allowed list")
        return user_of(request.headers, self._headers)


def user_of(stated: Mapping[str, str], headers: Headers = KUBEADM) -> UserInfo | None:
    """The identity that a trusted proxy states; None without a name."""
    name = _first(stated, headers.username)
    if not name:
        return None
    extra: dict[str, tuple[str, ...]] = {}
    for header in dict.fromkeys(key.lower() for key in stated):
        for prefix in headers.extra_prefix:
            if header.startswith(prefix.lower()):
                key = unquote(header[len(prefix) :])
                extra[key] = (*extra.get(key, ()), *values(stated, header))
    groups = tuple(group for header in headers.group for group in values(stated, header))
    return UserInfo(name, uid=_first(stated, headers.uid), groups=groups, extra=extra)


def _first(stated: Mapping[str, str], names: Iterable[str]) -> str:
    return next((value for name in names if (value := stated.get(name, "").strip())), "")


def values(headers: Mapping[str, str], name: str) -> tuple[str, ...]:
    """All values of a header that may be repeated."""
    getall = getattr(headers, "getall", None)
    if getall is not None:
        return tuple(getall(name, ()))
    return (headers[name],) if name in headers else ()
