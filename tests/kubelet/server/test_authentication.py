"""Who calls."""

from typing import Any

from pynetes.apimachinery.errors import service_unavailable
from pynetes.kubelet.server.authentication import TokenAuthenticator, User, from_certificate

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


def test_certificates_name_user_and_groups() -> None:
    subject = ((("organizationName", "system:masters"),), (("commonName", "kube-apiserver-kubelet-client"),))
    assert from_certificate({"subject": subject}) == User(
        "kube-apiserver-kubelet-client", groups=("system:masters", "system:authenticated")
    )
    assert from_certificate(None) is None
    assert from_certificate({}) is None
    assert from_certificate({"subject": ((("organizationName", "o"),),)}) is None


def review(path: str, body: Any) -> Any:
    if body["spec"]["token"] != "good":
        return {"status": {"authenticated": False}}
    user = {"username": "joe", "uid": "1", "groups": ["g"], "extra": {"k": ["v"]}}
    return {"status": {"authenticated": True, "user": user}}


async def test_tokens_are_reviewed_once_and_remembered(api: Any) -> None:
    api.reviews[REVIEWS] = review
    tokens = TokenAuthenticator(api.client)
    for _ in range(2):
        assert await tokens.authenticate("good") == User("joe", "1", ("g",), {"k": ["v"]})
        assert await tokens.authenticate("bad") is None
    assert len(api.requests) == 2


async def test_an_api_server_that_is_away_lets_nobody_in_and_is_asked_again(api: Any) -> None:
    api.reviews[REVIEWS] = review
    api.refuse = service_unavailable("away")
    tokens = TokenAuthenticator(api.client)
    assert await tokens.authenticate("good") is None
    api.refuse = None
    assert await tokens.authenticate("good") is not None
