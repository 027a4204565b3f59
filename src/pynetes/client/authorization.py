"""What a caller of a component may do: the API server decides (SubjectAccessReview), and its answers are remembered."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.authentication import User
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

SUBJECT_ACCESS_REVIEWS = GroupVersionResource("authorization.k8s.io", "v1", "subjectaccessreviews")
PRIVILEGED_GROUP = "system:masters"
"""May do everything, so that nobody need be asked."""

_Key = tuple[Any, ...]


class AuthorizationUnavailable(Exception):
    """The API server could not be asked."""


class Decision(Struct, frozen=True):
    allowed: bool
    reason: str = ""


class AccessReviewer:
    """`allowed_seconds` and `denied_seconds`: how long an answer is remembered."""

    def __init__(self, client: Client, *, allowed_seconds: float = 10.0, denied_seconds: float = 10.0) -> None:
        self._client = client
        self._seconds = {True: allowed_seconds, False: denied_seconds}
        self._known: dict[_Key, tuple[float, Decision]] = {}

    async def review(self, user: User, attributes: Mapping[str, Any]) -> Decision:
        """`attributes`: {"resourceAttributes": …} or {"nonResourceAttributes": …}. Raises AuthorizationUnavailable."""
        extra = tuple(sorted((name, tuple(values)) for name, values in user.extra.items()))
        asked = tuple((kind, *sorted(values.items())) for kind, values in attributes.items())
        key = (user.name, user.uid, user.groups, extra, asked)
        now = clock.monotonic()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        try:
            answer = await self._client.create(SUBJECT_ACCESS_REVIEWS, _document(user, attributes))
        except (StatusError, TransportError) as error:
            raise AuthorizationUnavailable(str(error)) from error
        status = answer.get("status") or {}
        decision = Decision(bool(status.get("allowed")), status.get("reason") or "")
        self._known = {k: v for k, v in self._known.items() if v[0] > now}
        self._known[key] = (now + self._seconds[decision.allowed], decision)
        return decision


def _document(user: User, attributes: Mapping[str, Any]) -> dict[str, Any]:
    spec = {
        "user": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
        **attributes,
    }
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
