"""All authenticators in upstream's order: front proxy, client certificate, bearer token, anonymous."""

import logging
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pynetes.apimachinery.errors import unauthorized
from pynetes.apiserver.authentication.authenticator import (
    InvalidCredentials,
    RequestAuthenticator,
    TokenAuthenticator,
)
from pynetes.apiserver.authentication.bearer import BearerAuthenticator
from pynetes.apiserver.authentication.bootstrap_token import BootstrapTokenAuthenticator
from pynetes.apiserver.authentication.implicit_audiences import ImplicitAudiences
from pynetes.apiserver.authentication.legacy_service_account import LegacyServiceAccountAuthenticator
from pynetes.apiserver.authentication.request_header import KUBEADM, Headers, RequestHeaderAuthenticator
from pynetes.apiserver.authentication.service_account import ServiceAccountAuthenticator
from pynetes.apiserver.authentication.static_token import StaticTokenAuthenticator
from pynetes.apiserver.authentication.user import (
    ANONYMOUS,
    ANONYMOUS_USER,
    AUTHENTICATED,
    UNAUTHENTICATED,
    UserInfo,
)
from pynetes.apiserver.authentication.x509 import CertificateVerifier, X509Authenticator
from pynetes.apiserver.certificatefiles import CertificateFiles
from pynetes.apiserver.http import Request
from pynetes.apiserver.objects import ObjectReader
from pynetes.apiserver.tokens.keys import Keys
from pynetes.client.rest import Client
from pynetes.component.certificates import load_certificates

log = logging.getLogger(__name__)


class Authenticator:
    """Finds out who asks. The first authenticator that knows the request wins; bad credentials are never anonymous."""

    def __init__(
        self,
        authenticators: Sequence[RequestAuthenticator],
        bearer: BearerAuthenticator,
        *,
        anonymous: bool = True,
        anonymous_paths: frozenset[str] = frozenset(),
    ) -> None:
        """`anonymous_paths`: the only ones that are open to anonymous requests; empty means all."""
        self._authenticators = (*authenticators, bearer)
        self._anonymous = anonymous
        self._anonymous_paths = anonymous_paths
        self.bearer = bearer

    async def authenticate(self, request: Request) -> UserInfo:
        """The identity; `StatusError` 401 for bad credentials, or for none where anonymous requests are off."""
        problems = []
        for authenticator in self._authenticators:
            try:
                found = await authenticator.authenticate(request)
            except InvalidCredentials as error:
                problems.append(str(error))
                request.annotations.update(error.annotations)
                continue
            if found is not None:
                if found.remarks is not None:
                    request.annotations.update(found.remarks.annotations)
                    request.warnings.extend(found.remarks.warnings)
                return _authenticated(found)
        if problems:
            log.info("unable to authenticate the request from %s: %s", request.remote, "; ".join(problems))
            raise unauthorized()
        if not self._anonymous or (self._anonymous_paths and request.path not in self._anonymous_paths):
            raise unauthorized()
        return ANONYMOUS_USER

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo:
        """The identity of a bearer token (TokenReview); `InvalidCredentials` if there is none."""
        return _authenticated(await self.bearer.authenticate_token(token, audiences or self.bearer.audiences))


class Settings(Struct, frozen=True):
    """Upstream's authentication flags."""

    client_ca_file: Path | None = None
    service_account_issuers: tuple[str, ...] = ("https://kubernetes.default.svc.cluster.local",)
    service_account_lookup: bool = True
    api_audiences: tuple[str, ...] = ()
    enable_bootstrap_token_auth: bool = True
    token_auth_file: Path | None = None
    requestheader_client_ca_file: Path | None = None
    requestheader_allowed_names: tuple[str, ...] = ()
    requestheaders: Headers = KUBEADM
    anonymous_auth: bool = True
    anonymous_paths: frozenset[str] = frozenset()


def build(
    settings: Settings,
    objects: ObjectReader,
    client: Client | None = None,
    extra_tokens: Sequence[TokenAuthenticator] = (),
    last_tokens: Sequence[TokenAuthenticator] = (),
    files: CertificateFiles | None = None,
    keys: Keys | None = None,
) -> Authenticator:
    """The authenticator that the settings describe, with kinds of tokens that are asked first or last.

    `keys` are those of service account tokens.
    `client` notes the use of tokens in Secrets; authorities follow their `files`.
    """
    audiences = settings.api_audiences or settings.service_account_issuers[:1]
    requests: list[RequestAuthenticator] = []
    if settings.requestheader_client_ca_file is not None:
        verifier = _verifier(settings.requestheader_client_ca_file, files)
        requests.append(
            RequestHeaderAuthenticator(verifier, settings.requestheader_allowed_names, settings.requestheaders)
        )
    if settings.client_ca_file is not None:
        requests.append(X509Authenticator(_verifier(settings.client_ca_file, files)))
    tokens: list[TokenAuthenticator] = [*extra_tokens]
    if settings.token_auth_file is not None:
        tokens.append(ImplicitAudiences(StaticTokenAuthenticator.load(settings.token_auth_file), audiences))
    if keys is not None:
        tokens.append(
            LegacyServiceAccountAuthenticator(keys, audiences, objects, client, lookup=settings.service_account_lookup)
        )
        tokens.append(ServiceAccountAuthenticator(keys, settings.service_account_issuers, objects))
    if settings.enable_bootstrap_token_auth:
        tokens.append(ImplicitAudiences(BootstrapTokenAuthenticator(objects), audiences))
    tokens += last_tokens
    return Authenticator(
        requests,
        BearerAuthenticator(tokens, audiences),
        anonymous=settings.anonymous_auth,
        anonymous_paths=settings.anonymous_paths,
    )


def _verifier(path: Path, files: CertificateFiles | None) -> CertificateVerifier:
    verifier = CertificateVerifier(load_certificates(path))

    async def reload() -> None:
        verifier.trust(load_certificates(path))

    if files is not None:
        files.follow((path,), reload)
    return verifier


def _authenticated(found: UserInfo) -> UserInfo:
    """Adds system:authenticated, except to identities that are anonymous already."""
    if found.name == ANONYMOUS or UNAUTHENTICATED in found.groups:
        return found
    return found if AUTHENTICATED in found.groups else found.with_groups(AUTHENTICATED)
