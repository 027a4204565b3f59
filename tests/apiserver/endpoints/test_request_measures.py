"""How requests are counted: under upstream's verbs and scopes, what lasts while it lasts, what is deprecated."""

import asyncio
import re

import pytest

from tests.apiserver.endpoints.conftest import Web

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
APPLY = "application/apply-patch+yaml"


async def sample(web: Web, metric: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels."""
    found = 0.0
    for text, value in re.findall(rf"(?m)^{metric}{{(.*)}} (\S+)$", (await web("GET", "/metrics")).body.decode()):
        if labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', text)).items():
            found += float(value)
    return found


@pytest.mark.parametrize("server", ["memory"], indirect=True)
async def test_requests_are_counted_as_upstream_does(web: Web) -> None:
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "one"}}
    about = {"resource": "leases", "version": "v1", "group": "coordination.k8s.io"}
    lasting = {**about, "verb": "WATCH", "scope": "namespace"}
    wanted = (
        ("POST", "", lease, "POST", "resource"),
        ("PATCH", "/one?fieldManager=me&force=true", lease, "APPLY", "resource"),
        ("GET", "?fieldSelector=metadata.name%3Done", None, "GET", "resource"),
        ("GET", "", None, "LIST", "namespace"),
        ("DELETE", "", None, "DELETE", "namespace"),
    )
    for method, path, body, verb, scope in wanted:
        labels = {**about, "verb": verb, "scope": scope}
        before = await sample(web, "apiserver_request_total", **labels)
        await web.ok(method, LEASES + path, body, type=APPLY if verb == "APPLY" else "application/json")
        assert await sample(web, "apiserver_request_total", **labels) == before + 1, method
    before = await sample(web, "apiserver_longrunning_requests", **lasting)
    async with web.session.get(f"{web.base}{LEASES}?watch=1") as answer:
        assert answer.status == 200
        assert await sample(web, "apiserver_longrunning_requests", **lasting) == before + 1
    async with asyncio.timeout(60):
        while await sample(web, "apiserver_longrunning_requests", **lasting) > before:  # noqa: ASYNC110 (the count is the server's)
            await asyncio.sleep(0.02)
    await web.ok("GET", "/api/v1/endpoints")
    assert await sample(web, "apiserver_requested_deprecated_apis", resource="endpoints", removed_release="") == 1
