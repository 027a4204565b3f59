"""Bootstrap tokens: `id.secret`, kept as Secrets of type bootstrap.kubernetes.io/token in kube-system."""

import base64
import hmac
import re
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import parse_time
from pynetes.apis.names import SECRETS
from pynetes.apiserver.authentication.user import BOOTSTRAPPERS, UserInfo
from pynetes.apiserver.objects import ObjectReader
from pynetes.component import clock

SECRET_TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE = "kube-system"
NAME_PREFIX = "bootstrap-token-"
USER_PREFIX = "system:bootstrap:"

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokenAuthenticator:
    def __init__(self, objects: ObjectReader) -> None:
        self._objects = objects

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        try:
            secret = await self._objects.get(SECRETS, NAME_PREFIX + match[1], NAMESPACE)
        except StatusError as error:
            if error.code == 404:
                return None
            raise
        return user_of(secret, match[1], match[2], clock.time_seconds())


def user_of(secret: dict[str, Any], token_id: str, token_secret: str, now: float) -> UserInfo | None:
    """The identity that a Secret gives to the holder of this token; None if it does not match or is not usable."""
    if secret["metadata"].get("deletionTimestamp") or secret.get("type") != SECRET_TYPE:
        return None
    if not hmac.compare_digest(_value(secret, "token-secret").encode(), token_secret.encode()):
        return None
    if _value(secret, "token-id") != token_id or _value(secret, "usage-bootstrap-authentication") != "true":
        return None
    if _expired(secret, now):
        return None
    groups = _groups(secret)
    return None if groups is None else UserInfo(USER_PREFIX + token_id, groups=groups)


def _value(secret: dict[str, Any], key: str) -> str:
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "").decode()
    except ValueError:
        return ""


def _expired(secret: dict[str, Any], now: float) -> bool:
    expiration = _value(secret, "expiration")
    if not expiration:
        return False
    try:
        return parse_time(expiration).timestamp() <= now
    except ValueError:
        # An unreadable expiry must not make a token live forever.
        return True


def _groups(secret: dict[str, Any]) -> tuple[str, ...] | None:
    """The default group and the extra ones; None if one of those is not a bootstrap group."""
    extra = [group for group in _value(secret, "auth-extra-groups").split(",") if group]
    if not all(_GROUP.fullmatch(group) for group in extra):
        return None
    return tuple(sorted({BOOTSTRAPPERS, *extra}))
