"""How requests are counted: under upstream's verbs and scopes, what lasts while it lasts, what is deprecated."""

import asyncio
import re
from typing import Self

import pytest

from tests.apiserver.endpoints.conftest import Web

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
APPLY = "application/apply-patch+yaml"


class Samples:
    """What one look at /metrics shows: that of a long run is long."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    @classmethod
    async def of(cls, web: Web) -> Self:
        return cls((await web("GET", "/metrics")).body.decode())

    def sum(self, metric: str, **labels: str) -> float:
        """Of the metric's samples with these labels."""
        found = 0.0
        for line in self._lines:
            if line.startswith(f"{metric}{{"):
                told, _, value = line.rpartition("} ")
                if labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', told)).items():
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
    before = await Samples.of(web)
    for method, path, body, verb, _ in wanted:
        await web.ok(method, LEASES + path, body, type=APPLY if verb == "APPLY" else "application/json")
    after = await Samples.of(web)
    for method, _, _, verb, scope in wanted:
        labels = {**about, "verb": verb, "scope": scope}
        counted = [samples.sum("apiserver_request_total", **labels) for samples in (before, after)]
        assert counted[1] == counted[0] + 1, method

    def lasts(samples: Samples) -> float:
        return samples.sum("apiserver_longrunning_requests", **lasting)

    async with web.session.get(f"{web.base}{LEASES}?watch=1") as answer:
        assert answer.status == 200
        assert lasts(await Samples.of(web)) == lasts(after) + 1
    async with asyncio.timeout(60):
        while lasts(await Samples.of(web)) > lasts(after):  # noqa: ASYNC110 (the count is the server's)
            await asyncio.sleep(0.02)
    await web.ok("GET", "/api/v1/endpoints")
    found = await Samples.of(web)
    assert found.sum("apiserver_requested_deprecated_apis", resource="endpoints", removed_release="") == 1
