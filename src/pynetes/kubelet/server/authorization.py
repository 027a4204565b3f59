"""What a caller may do: the API server decides about `nodes/<subresource>` of this node (SubjectAccessReview)."""

from pynetes.client.authentication import User
from pynetes.client.authorization import PRIVILEGED_GROUP, AccessReviewer, AuthorizationUnavailable
from pynetes.client.rest import Client

__all__ = ["PRIVILEGED_GROUP", "AuthorizationUnavailable", "Authorizer", "subresources", "verb"]

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
        self._node_name = node_name
        self._reviewer = AccessReviewer(client, allowed_seconds=_ALLOWED_SECONDS, denied_seconds=_DENIED_SECONDS)

    async def allowed(self, user: User, method: str, path: str) -> bool:
        """Raises AuthorizationUnavailable."""
        if PRIVILEGED_GROUP in user.groups:
            return True
        for subresource in subresources(path):
            if await self._may(user, verb(method), subresource):
                return True
        return False

    async def _may(self, user: User, verb: str, subresource: str) -> bool:
        attributes = {
            "verb": verb,
            "version": "v1",
            "resource": "nodes",
            "subresource": subresource,
            "name": self._node_name,
        }
        return (await self._reviewer.review(user, {"resourceAttributes": attributes})).allowed
