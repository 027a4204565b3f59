"""OpenID Connect: tokens of an issuer, whose keys its discovery document leads to; new ones are fetched when needed."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
import orjson
from msgspec import Struct

from pynetes.apimachinery.schema.checker import go_shape
from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.claims import Mappings, not_of, user_of
from pynetes.apiserver.authentication.measures import IssuerMeasures
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.tokens.keys import unverified_issuer
from pynetes.client.session import SessionOwner
from pynetes.component import certificates, clock

log = logging.getLogger(__name__)

ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
WELL_KNOWN = "/.well-known/openid-configuration"
_AGAIN_SECONDS = 10.0
_TIMEOUT_SECONDS = 30.0
#: Clocks may differ this much before `nbf` (seconds).
_LEEWAY = 60
_JWS = jwt.PyJWS()
#: Claims that are texts whoever reads them.
_TEXTS = ("iss", "sub", "nonce", "at_hash")
_NEVER = datetime(1, 1, 1, tzinfo=UTC)

Object = dict[str, Any]


class Issuer(Struct, frozen=True):
    """Whose tokens are accepted. `authority` is PEM; empty means the machine's authorities."""

    url: str
    audiences: tuple[str, ...]
    mappings: Mappings
    discovery_url: str = ""
    authority: str = ""
    algorithms: tuple[str, ...] = ALGORITHMS


class OIDCAuthenticator(SessionOwner):
    """`run` finds the issuer's keys; until it has, its tokens are refused. `audiences` are those of this server."""

    def __init__(self, issuer: Issuer, audiences: tuple[str, ...]) -> None:
        super().__init__()
        self.issuer = issuer
        self._audiences = audiences
        self._keys: tuple[Object, ...] = ()
        self._keys_url = ""
        self._fetching = asyncio.Lock()
        self._fetches = 0
        self.measures = IssuerMeasures(issuer.url)
        self._tls = certificates.trusting(issuer.authority or "")

    async def run(self) -> None:
        """Returns when the issuer is known; asks again every ten seconds until then."""
        while True:
            try:
                await self._discover()
                return
            except (aiohttp.ClientError, OSError, ValueError) as error:
                log.error("oidc authenticator: initializing plugin: %s", error)
            await clock.sleep(_AGAIN_SECONDS)

    async def _discover(self) -> None:
        issuer = self.issuer
        document, _ = await self._get(issuer.discovery_url or issuer.url.removesuffix("/") + WELL_KNOWN)
        if document.get("issuer") != issuer.url:
            told = f'expected "{issuer.url}" got "{document.get("issuer")}"'
            raise ValueError(f"oidc: issuer did not match the issuer returned by provider, {told}")
        keys_url = document.get("jwks_uri")
        if not isinstance(keys_url, str) or not keys_url:
            raise ValueError("provider did not return JWKS URL")
        self._keys_url = keys_url

    async def _get(self, url: str) -> tuple[Object, bytes]:
        """A document, and how it came."""
        async with self.session().get(url, ssl=self._tls) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise ValueError(f"{url}: {answer.status} {answer.reason}")
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise ValueError(f"{url}: not a JSON object")
        return document, body

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        if unverified_issuer(token) != self.issuer.url:
            return None
        began, succeeded = clock.monotonic(), False
        try:
            user = await self._authenticate(token, audiences)
            succeeded = user is not None
            return user
        finally:
            self.measures.authenticated(clock.monotonic() - began, succeeded=succeeded)

    async def _authenticate(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        accepted = tuple(audience for audience in audiences if audience in self._audiences)
        if audiences and not accepted:
            return None
        if not self._keys_url:
            raise InvalidCredentials("oidc: authenticator not initialized")
        claims = await self._verified(token)
        check(claims, self.issuer, clock.time_seconds())
        user = user_of(claims, self.issuer.mappings)
        return UserInfo(user.name, user.uid, user.groups, user.extra, accepted)

    async def _verified(self, token: str) -> Object:
        """The claims. A token that no known key signed makes the keys be fetched anew, once for all who wait."""
        fetched = self._fetches
        claims = verify(token, self._keys, self.issuer.algorithms)
        if claims is None:
            async with self._fetching:
                if fetched == self._fetches:
                    await self._fetch()
            claims = verify(token, self._keys, self.issuer.algorithms)
        if claims is None:
            raise InvalidCredentials(
                "oidc: verify token: failed to verify signature: failed to verify id token signature"
            )
        return claims

    async def _fetch(self) -> None:
        try:
            document, body = await self._get(self._keys_url)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self.measures.failed()
            raise InvalidCredentials(f"oidc: verify token: failed to verify signature: fetching keys {error}") from None
        keys = document.get("keys")
        self._keys = tuple(key for key in keys if isinstance(key, dict)) if isinstance(keys, list) else ()
        self._fetches += 1
        self.measures.fetched(body)

    def _make_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS))


def verify(token: str, keys: Sequence[Object], algorithms: Sequence[str]) -> Object | None:
    """The claims if one of the keys signed the token; None if none did. InvalidCredentials if it is malformed."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise InvalidCredentials(f"oidc: verify token: oidc: malformed jwt: {error}") from None
    algorithm, kid = header.get("alg"), header.get("kid") or ""
    if algorithm not in algorithms:
        told = f'id token signed with unsupported algorithm, expected {_shown(algorithms)} got "{algorithm}"'
        raise InvalidCredentials(f"oidc: verify token: oidc: {told}")
    for jwk in keys:
        if kid and jwk.get("kid") != kid:
            continue
        try:
            claims = orjson.loads(_JWS.decode(token, jwt.PyJWK(jwk, algorithm).key, algorithms=[str(algorithm)]))
        except (jwt.PyJWTError, orjson.JSONDecodeError, TypeError, ValueError, AttributeError):
            continue
        if isinstance(claims, dict):
            return claims
    return None


def check(claims: Object, issuer: Issuer, now: float) -> None:
    """Issuer, audience and time of a signed token."""
    told = claims.get("aud")
    found: list[Any] = told if isinstance(told, list) else [] if told is None else [told]
    for name in _TEXTS:
        value = claims.get(name)
        if value is not None and not isinstance(value, str):
            why = f"json: cannot unmarshal {go_shape(value)} into Go struct field idToken.{name} of type string"
            raise InvalidCredentials(f"oidc: verify token: oidc: failed to unmarshal claims: {why}")
    if not any(audience in issuer.audiences for audience in found):
        one = len(issuer.audiences) == 1
        wanted = f'"{issuer.audiences[0]}"' if one else f"in {_shown(sorted(issuer.audiences))}"
        raise InvalidCredentials(f"oidc: verify token: oidc: expected audience {wanted} got {_shown(found)}")
    expires, begins = _moment(claims, "exp"), _moment(claims, "nbf")
    if expires is None or expires < now:
        raise InvalidCredentials(f"oidc: verify token: oidc: token is expired (Token Expiry: {_time(expires)})")
    if begins is not None and now + _LEEWAY < begins:
        told = f"current time {_time(now)} before the nbf (not before) time: {_time(begins)}"
        raise InvalidCredentials(f"oidc: verify token: oidc: {told}")


def _moment(claims: Object, name: str) -> float | None:
    value = claims.get(name)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise InvalidCredentials(f"oidc: verify token: oidc: failed to unmarshal claims: {not_of(value, 'json.Number')}")


def _time(seconds: float | None) -> str:
    """As Go writes one; the beginning of its time for none."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC) if seconds is not None else _NEVER
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    return f"{moment.replace(tzinfo=None)} +0000 UTC"


def _shown(values: Sequence[Any]) -> str:
    return "[" + " ".join(f'"{value}"' for value in values) + "]"
