"""Bootstrap tokens: `id.secret`, kept as Secrets of type bootstrap.kubernetes.io/token in kube-system."""

import hmac
from datetime import UTC, datetime
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core import bootstrap_token
from pynetes.apis.core.bootstrap_token import NAME_PREFIX, NAMESPACE, SECRET_TYPE, value
from pynetes.apis.names import SECRETS
from pynetes.apiserver.authentication.user import BOOTSTRAPPERS, UserInfo
from pynetes.apiserver.objects import ObjectReader
from pynetes.component import clock

USER_PREFIX = "system:bootstrap:"


class BootstrapTokenAuthenticator:
    def __init__(self, objects: ObjectReader) -> None:
        self._objects = objects

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        try:
            parsed = bootstrap_token.parse(token)
        except ValueError:
            return None
        try:
            secret = await self._objects.get(SECRETS, NAME_PREFIX + parsed.id, NAMESPACE)
        except StatusError as error:
            if error.code == 404:
                return None
            raise
        return user_of(secret, parsed.id, parsed.secret, clock.time_seconds())


def user_of(secret: dict[str, Any], token_id: str, token_secret: str, now: float) -> UserInfo | None:
    """The identity that a Secret gives to the holder of this token; None if it does not match or is not usable."""
    if secret["metadata"].get("deletionTimestamp") or secret.get("type") != SECRET_TYPE:
        return None
    if not hmac.compare_digest(value(secret, "token-secret").encode(), token_secret.encode()):
        return None
    if value(secret, "token-id") != token_id or value(secret, "usage-bootstrap-authentication") != "true":
        return None
    if bootstrap_token.seconds_left(secret, datetime.fromtimestamp(now, UTC)) == 0:
        return None
    groups = _groups(secret)
    return None if groups is None else UserInfo(USER_PREFIX + token_id, groups=groups)


def _groups(secret: dict[str, Any]) -> tuple[str, ...] | None:
    """The default group and the extra ones; None if one of those is not a bootstrap group."""
    extra = [group for group in value(secret, "auth-extra-groups").split(",") if group]
    if not all(bootstrap_token.is_group(group) for group in extra):
        return None
    return tuple(sorted({BOOTSTRAPPERS, *extra}))
