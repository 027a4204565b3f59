"""The server as a whole: TLS, callers, endpoints that need no runtime."""

from typing import Any

import aiohttp
import pytest

from pynetes.apimachinery.errors import service_unavailable
from pynetes.component.health import PING, Check, HealthGroup

TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


async def answer(session: aiohttp.ClientSession, path: str, method: str = "GET") -> tuple[int, str]:
    async with session.request(method, path) as response:
        return response.status, await response.text()


async def test_privileged_certificates_may_do_all(serve: Any, kubelet: Any) -> None:
    kubelet.all = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {}}]
    async with serve(host=kubelet) as session, session().get("/pods") as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        assert await response.json() == {
            "kind": "PodList",
            "apiVersion": "v1",
            "metadata": {},
            "items": [{"metadata": {"name": "p"}, "spec": {}}],
        }


async def test_without_any_identity_nothing_is_told(serve: Any, api: Any) -> None:
    async with serve(client=api.client) as session:
        for path in ("/pods", "/healthz", "/nothing", "/exec/a/b/c"):
            assert await answer(session(""), path) == (401, "Unauthorized")


async def test_certificates_of_other_authorities_are_refused(serve: Any, pki: Any) -> None:
    async with serve() as session:
        with pytest.raises(aiohttp.ClientError):
            await answer(session("stranger"), "/pods")


async def test_other_certificates_may_what_the_api_server_says(serve: Any, api: Any) -> None:
    api.reviews[ACCESS] = lambda path, body: {
        "status": {"allowed": body["spec"]["resourceAttributes"]["subresource"] == "stats"}
    }
    async with serve(client=api.client) as session:
        assert (await answer(session("user"), "/stats/summary"))[0] == 200
        assert await answer(session("user"), "/pods") == (
            403,
            "Forbidden (user=joe, verb=get, resource=nodes, subresource(s)=[pods proxy])\n",
        )
        api.refuse = service_unavailable("away")
        assert await answer(session("user"), "/metrics") == (
            500,
            "Authorization error (user=joe, verb=get, resource=nodes, subresource=metrics)",
        )


async def test_tokens(serve: Any, api: Any) -> None:
    api.reviews[TOKENS] = lambda path, body: {
        "status": {"authenticated": body["spec"]["token"] == "good", "user": {"username": "sa"}}
    }
    api.reviews[ACCESS] = lambda path, body: {"status": {"allowed": body["spec"]["user"] == "sa"}}
    async with serve(client=api.client) as session:
        good, bad = ({"Authorization": f"Bearer {t}"} for t in ("good", "bad"))
        assert (await answer(session("", headers=good), "/pods"))[0] == 200
        assert (await answer(session("", headers=bad), "/pods"))[0] == 401


async def test_without_an_api_server_only_masters_get_in(serve: Any) -> None:
    async with serve() as session:
        assert (await answer(session("admin"), "/pods"))[0] == 200
        assert (await answer(session("user"), "/pods"))[0] == 403


async def test_health(serve: Any) -> None:
    async def fail() -> None:
        raise RuntimeError("stuck")

    group = HealthGroup("healthz", [PING, Check("syncloop", fail)])
    async with serve(health=group) as session:
        status, text = await answer(session(), "/healthz")
        assert status == 500
        assert "[-]syncloop failed" in text
        assert await answer(session(), "/healthz/ping") == (200, "ok")
        assert (await answer(session(), "/healthz?exclude=syncloop"))[0] == 200


async def test_metrics_and_statistics(serve: Any) -> None:
    async with serve() as session:
        assert "process_cpu_seconds_total" in (await answer(session(), "/metrics"))[1]
        async with session().get("/stats/summary?only_cpu_and_memory=true") as response:
            assert await response.json() == {"node": {"nodeName": "n1"}, "pods": [], "only": True}


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/containerLogs/ns/none/c", 404, 'pod "none" does not exist'),
        ("/containerLogs/ns/p/none", 404, 'container "none" not found in pod "p"'),
        ("/containerLogs/ns/p/c", 400, 'container "c" in pod "p" is waiting to start: ContainerCreating'),
        ("/containerLogs/ns/p/c?previous=true", 400, 'previous terminated container "c" in pod "p" not found'),
        ("/exec/ns/none/c?output=1", 404, "pod does not exist"),
        ("/exec/ns/none/c?output=1&command=" + "a" * 100_000, 404, "pod does not exist"),
        ("/exec/ns/p/c", 400, "you must specify at least 1 of stdin, stdout, stderr"),
        ("/exec/ns/p/other-uid/c?output=1", 404, "pod not found"),
        ("/portForward/ns/none", 404, "pod does not exist"),
    ],
)
async def test_bad_requests(serve: Any, kubelet: Any, path: str, status: int, text: str) -> None:
    state = {"waiting": {"reason": "ContainerCreating"}}
    kubelet.all = [
        {
            "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
            "spec": {"containers": [{"name": "c"}]},
            "status": {"containerStatuses": [{"name": "c", "state": state}]},
        }
    ]
    async with serve(host=kubelet) as session:
        assert await answer(session(), path) == (status, text)
