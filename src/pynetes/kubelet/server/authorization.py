"""What a caller may do: the API server decides about `nodes/<subresource>` of this node (SubjectAccessReview)."""

import logging
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import SUBJECT_ACCESS_REVIEWS
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.kubelet.server.authentication import User

log = logging.getLogger(__name__)

PRIVILEGED_GROUP = "system:masters"
_ALLOWED_SECONDS, _DENIED_SECONDS = 300.0, 30.0
_VERBS = {"POST": "create", "GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
#: Path → subresource; those in the second table may also be reached by whoever may use `nodes/proxy`.
_ONLY = {
    "/stats": "stats",
    "/metrics": "metrics",
    "/logs": "log",
    "/checkpoint": "checkpoint",
    "/statusz": "statusz",
    "/flagz": "configz",
}
_OR_PROXY = {"/pods": "pods", "/runningpods": "pods", "/healthz": "healthz", "/configz": "configz"}

_Key = tuple[str, str, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...], str, str]


class AuthorizationUnavailable(Exception):
    """The API server could not be asked."""


def verb(method: str) -> str:
    return _VERBS.get(method, "")


def subresources(path: str) -> list[str]:
    """Any one of them suffices."""
    first = "/" + path.lstrip("/").split("/")[0]
    if first in _ONLY:
        return [_ONLY[first]]
    return [_OR_PROXY[first], "proxy"] if first in _OR_PROXY else ["proxy"]


class Authorizer:
    def __init__(self, client: Client, node_name: str) -> None:
        self._client, self._node_name = client, node_name
        self._known: dict[_Key, tuple[float, bool]] = {}

    async def allowed(self, user: User, method: str, path: str) -> bool:
        """Raises AuthorizationUnavailable."""
        if PRIVILEGED_GROUP in user.groups:
            return True
        for subresource in subresources(path):
            if await self._may(user, verb(method), subresource):
                return True
        return False

    async def _may(self, user: User, verb: str, subresource: str) -> bool:
        extra = tuple(sorted((name, tuple(values)) for name, values in user.extra.items()))
        key = (user.name, user.uid, user.groups, extra, verb, subresource)
        now = clock.monotonic()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        try:
            answer = await self._client.create(SUBJECT_ACCESS_REVIEWS, self._review(user, verb, subresource))
        except (StatusError, TransportError) as error:
            raise AuthorizationUnavailable(str(error)) from error
        allowed = bool((answer.get("status") or {}).get("allowed"))
        self._known = {k: v for k, v in self._known.items() if v[0] > now}
        self._known[key] = (now + (_ALLOWED_SECONDS if allowed else _DENIED_SECONDS), allowed)
        return allowed

    def _review(self, user: User, verb: str, subresource: str) -> dict[str, Any]:
        attributes = {
            "verb": verb,
            "version": "v1",
            "resource": "nodes",
            "subresource": subresource,
            "name": self._node_name,
        }
        spec = {
            "user": user.name,
            "uid": user.uid,
            "groups": list(user.groups),
            "extra": {key: list(values) for key, values in user.extra.items()},
            "resourceAttributes": attributes,
        }
        return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
