"""TokenReview (whose token is this?) and SelfSubjectReview (who am I?)."""

from typing import Any

from pynetes.apimachinery import errors
from pynetes.apimachinery.times import format_time
from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.bearer import INVALID_TOKEN
from pynetes.apiserver.authentication.union import Authenticator
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.component import clock


async def review_token(authenticator: Authenticator, review: dict[str, Any]) -> dict[str, Any]:
    """Answers a decoded TokenReview. A bad token is an answer, not an error."""
    spec = review.get("spec") or {}
    if not spec.get("token"):
        raise errors.bad_request("token is required for TokenReview in authentication")
    status: dict[str, Any] = {}
    try:
        found = await authenticator.authenticate_token(spec["token"], tuple(spec.get("audiences") or ()))
    except InvalidCredentials as error:
        status = {"user": {}, "error": _told(str(error))}
    else:
        status = {"authenticated": True, "user": found.to_wire()}
        if found.audiences:
            status["audiences"] = list(found.audiences)
        elif spec.get("audiences"):
            # The authenticator knows no audiences (static and bootstrap tokens): upstream refuses to vouch for any.
            raise errors.internal("unexpected audiences in the authentication response")
    return {**review, "status": status, "metadata": review.get("metadata") or {}}


def _told(problem: str) -> str:
    """With the sentence of the original's first authenticator, which knows one token only, its own."""
    if problem == INVALID_TOKEN:
        return problem
    inner = problem[1:-1] if problem.startswith("[") and problem.endswith("]") else problem
    return f"[{INVALID_TOKEN}, {inner}]"


def review_self(user: UserInfo, review: dict[str, Any]) -> dict[str, Any]:
    """Answers a SelfSubjectReview."""
    return {
        "kind": review.get("kind") or "SelfSubjectReview",
        "apiVersion": review.get("apiVersion") or "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": format_time(clock.now())},
        "status": {"userInfo": user.to_wire()},
    }
