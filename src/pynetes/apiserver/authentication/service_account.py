"""Service account tokens as credentials: signature, time, audience, and the objects that a token hangs on.

The signature is checked once for a token. The objects (service account, and pod, secret or node) are looked at again on
every use, in memory, so a token dies with its pod at once.
"""

from collections import OrderedDict
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.times import parse_time
from pynetes.apis.names import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from pynetes.apiserver.authentication import user
from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.user import Remarks, UserInfo
from pynetes.apiserver.objects import ObjectReader, find
from pynetes.apiserver.tokens import keys
from pynetes.apiserver.tokens.claims import Claims, Reference, credential_id
from pynetes.apiserver.tokens.keys import InvalidSignatureError, Keys
from pynetes.component import clock, metrics

#: Clocks may differ this much (seconds).
LEEWAY = 60
_REMEMBERED = 8192
_INVALIDATED = "service account token has been invalidated"

_stale_total = metrics.counter(
    "serviceaccount_stale_tokens_total", "Cumulative stale projected service account tokens used"
)
_valid_total = metrics.counter(
    "serviceaccount_valid_tokens_total", "Cumulative valid projected service account tokens used"
)


class ServiceAccountAuthenticator:
    """Accepts tokens of `issuers` signed by one of `keys`, whose bound objects live."""

    def __init__(self, keys: Keys, issuers: tuple[str, ...], objects: ObjectReader) -> None:
        self._keys = keys
        self._issuers = frozenset(issuers)
        self._objects = objects
        self._verified: OrderedDict[str, Claims] = OrderedDict()

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        claims = self._verified.get(token)
        if claims is None:
            if keys.unverified_issuer(token) not in self._issuers:
                return None
            claims = await self._verify(token)
        accepted = tuple(a for a in (claims.audiences or audiences) if a in audiences)
        if not accepted:
            raise InvalidCredentials(
                f"token audiences {_quoted(claims.audiences)} is invalid for the target audiences {_quoted(audiences)}"
            )
        now = clock.time_seconds()
        check_time(claims, now)
        await self._check_objects(claims)
        return _user(claims, accepted, _stale(claims, now))

    async def _verify(self, token: str) -> Claims:
        try:
            claims = Claims.from_wire(await self._keys.verify(token))
        except InvalidSignatureError as error:
            raise InvalidCredentials(str(error)) from error
        except ValueError as error:
            raise InvalidCredentials(f"service account token claims could not be validated: {error}") from error
        self._verified[token] = claims
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return claims

    async def _check_objects(self, claims: Claims) -> None:
        account, name = claims.service_account, claims.service_account.name
        try:
            live = await find(self._objects, SERVICE_ACCOUNTS, name, claims.namespace)
        except StatusError as error:
            raise InvalidCredentials(error.message) from error
        if _uid(live) != account.uid:
            raise InvalidCredentials(f"service account UID ({_uid(live)}) does not match claim ({account.uid})")
        if _long_deleted(live):
            raise InvalidCredentials(f"service account {claims.namespace}/{name} has been deleted")
        if claims.secret is not None:
            await self._check_bound(SECRETS, "secret", claims.secret, claims.namespace)
        if claims.pod is not None:
            await self._check_bound(PODS, "pod", claims.pod, claims.namespace)
        elif claims.node is not None:
            await self._check_bound(NODES, "node", claims.node, None)

    async def _check_bound(self, gvr: GroupVersionResource, kind: str, bound: Reference, namespace: str | None) -> None:
        try:
            live = await find(self._objects, gvr, bound.name, namespace)
        except StatusError as error:
            raise InvalidCredentials(_INVALIDATED) from error
        if _uid(live) != bound.uid:
            raise InvalidCredentials(
                f"{kind} UID ({_uid(live)}) does not match service account {kind} ref claim ({bound.uid})"
            )
        if _long_deleted(live):
            raise InvalidCredentials(_INVALIDATED)


def check_time(claims: Claims, now: float) -> None:
    """Raises `InvalidCredentials` outside of the token's time."""
    if now < claims.not_before - LEEWAY:
        raise InvalidCredentials("service account token is not valid yet")
    if claims.expires_at and now > claims.expires_at + LEEWAY:
        raise InvalidCredentials("service account token has expired")
    if now < claims.issued_at - LEEWAY:
        raise InvalidCredentials("service account token is issued in the future")


def _stale(claims: Claims, now: float) -> Remarks | None:
    """Says that a token, meant for an hour and good for a year, is not read again by the program that uses it."""
    if not claims.warn_after:
        return None
    if now <= claims.warn_after:
        _valid_total.inc()
        return None
    _stale_total.inc()
    subject = user.service_account_name(claims.namespace, claims.service_account.name)
    late = int(now) - claims.warn_after
    return Remarks(
        {"authentication.k8s.io/stale-token": f"subject: {subject}, seconds after warning threshold: {late}"}
    )


def _user(claims: Claims, audiences: tuple[str, ...], remarks: Remarks | None) -> UserInfo:
    extra: dict[str, tuple[str, ...]] = {}
    if claims.id:
        extra[user.CREDENTIAL_ID] = (credential_id(claims.id),)
    if claims.node is not None:
        extra[user.NODE_NAME] = (claims.node.name,)
        if claims.node.uid:
            extra[user.NODE_UID] = (claims.node.uid,)
    if claims.pod is not None:
        extra[user.POD_NAME] = (claims.pod.name,)
        extra[user.POD_UID] = (claims.pod.uid,)
    return UserInfo(
        user.service_account_name(claims.namespace, claims.service_account.name),
        uid=claims.service_account.uid,
        groups=user.service_account_groups(claims.namespace),
        extra=extra,
        audiences=audiences,
        remarks=remarks,
    )


def _uid(obj: dict[str, Any]) -> str:
    return str(obj["metadata"].get("uid") or "")


def _long_deleted(obj: dict[str, Any]) -> bool:
    """Deleted longer ago than clocks may differ: its tokens end, even if finalizers keep it."""
    deleted = obj["metadata"].get("deletionTimestamp")
    return bool(deleted) and parse_time(deleted).timestamp() < clock.time_seconds() - LEEWAY


def _quoted(audiences: tuple[str, ...]) -> str:
    return "[" + " ".join(f'"{a}"' for a in audiences) + "]"
