"""What callers may do."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import service_unavailable
from pynetes.kubelet.server.authentication import User
from pynetes.kubelet.server.authorization import AuthorizationUnavailable, Authorizer, subresources, verb

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/stats/summary", ["stats"]),
        ("/metrics", ["metrics"]),
        ("/metrics/resource", ["metrics"]),
        ("/metrics/probes", ["metrics"]),
        ("/logs/x", ["log"]),
        ("/pods", ["pods", "proxy"]),
        ("/runningpods/", ["pods", "proxy"]),
        ("/healthz/ping", ["healthz", "proxy"]),
        ("/configz", ["configz", "proxy"]),
        ("/exec/ns/p/c", ["proxy"]),
        ("/podsandmore", ["proxy"]),
    ],
)
def test_subresources(path: str, expected: list[str]) -> None:
    assert subresources(path) == expected


def test_verbs() -> None:
    assert [verb(m) for m in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")] == [
        "get",
        "create",
        "update",
        "patch",
        "delete",
        "",
    ]


def allowing(*wanted: str) -> Any:
    return lambda path, body: {"status": {"allowed": body["spec"]["resourceAttributes"]["subresource"] in wanted}}


async def test_masters_need_no_review(api: Any) -> None:
    assert await Authorizer(api.client, "n1").allowed(User("a", groups=("system:masters",)), "POST", "/exec/a/b/c")
    assert api.requests == []


async def test_the_api_server_decides_and_is_not_asked_twice(api: Any) -> None:
    api.reviews[REVIEWS] = allowing("metrics")
    authorizer = Authorizer(api.client, "n1")
    user = User("joe", "1", ("g",), {"k": ["v"]})
    for _ in range(2):
        assert await authorizer.allowed(user, "GET", "/metrics")
        assert not await authorizer.allowed(user, "GET", "/stats/summary")
    assert len(api.requests) == 2
    assert api.requests[0][2]["spec"] == {
        "user": "joe",
        "uid": "1",
        "groups": ["g"],
        "extra": {"k": ["v"]},
        "resourceAttributes": {
            "verb": "get",
            "version": "v1",
            "resource": "nodes",
            "subresource": "metrics",
            "name": "n1",
        },
    }


async def test_one_of_several_subresources_suffices(api: Any) -> None:
    api.reviews[REVIEWS] = allowing("proxy")
    assert await Authorizer(api.client, "n1").allowed(User("joe"), "GET", "/pods")


async def test_no_answer_is_an_error(api: Any) -> None:
    api.refuse = service_unavailable("away")
    with pytest.raises(AuthorizationUnavailable):
        await Authorizer(api.client, "n1").allowed(User("joe"), "GET", "/pods")
