"""What clients are told: discovery, OpenAPI, and stock kubectl."""

import json
from collections.abc import Callable
from typing import Any

from tests.apiserver.customresources.conftest import (
    CRDS,
    GROUP,
    NAME,
    PATH,
    condition,
    cron_tab,
    definition,
    establish,
    full,
    until,
    version,
)
from tests.apiserver.endpoints.conftest import Web

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
MODEL = "com.example.stable.v1.CronTab"


async def test_discovery_names_it_and_forgets_it(web: Web) -> None:
    await establish(web, full())
    resources = (await web.ok("GET", f"/apis/{GROUP}/v1"))["resources"]
    assert [resource["name"] for resource in resources] == ["crontabs", "crontabs/status", "crontabs/scale"]
    assert resources[0]["shortNames"] == ["ct"]
    assert resources[0]["categories"] == ["all"]
    assert resources[0]["singularName"] == "crontab"
    groups = (await web.ok("GET", "/apis"))["groups"]
    assert groups[-1]["name"] == GROUP
    whole = await web.ok("GET", "/apis", accept=AGGREGATED)
    group = next(item for item in whole["items"] if item["metadata"]["name"] == GROUP)
    (resource,) = group["versions"][0]["resources"]
    assert resource["scope"] == "Namespaced"
    assert [sub["subresource"] for sub in resource["subresources"]] == ["status", "scale"]
    await web.ok("DELETE", f"{CRDS}/{NAME}")

    async def gone() -> bool:
        return (await web("GET", f"{CRDS}/{NAME}")).status == 404

    await until(gone, "the definition's end")
    assert (await web("GET", f"/apis/{GROUP}/v1")).status == 404
    assert (await web("GET", f"/apis/{GROUP}")).status == 404
    assert GROUP not in str(await web.ok("GET", "/apis", accept=AGGREGATED))
    assert MODEL not in (await web("GET", "/openapi/v2")).body.decode()
    assert f"apis/{GROUP}/v1" not in (await web.ok("GET", "/openapi/v3"))["paths"]
    assert (await web("GET", PATH)).status == 404


async def test_built_in_paths_are_described_as_ever(web: Web) -> None:
    documents = ("/openapi/v2", "/openapi/v3/apis/node.k8s.io/v1")
    path = "/apis/node.k8s.io/v1/runtimeclasses/{name}"
    before = [(await web.ok("GET", document))["paths"][path] for document in documents]
    schema = {"type": "object", "properties": {"probe": {"type": "boolean"}}}
    named = {"plural": "runtimeclasses", "singular": "runtimeclass", "kind": "RuntimeClass"}
    overlapping = definition(
        version(schema={"openAPIV3Schema": schema}), group="node.k8s.io", scope="Cluster", names=named
    )
    approved = {"api-approved.kubernetes.io": "unapproved, a test"}
    metadata = {"name": "runtimeclasses.node.k8s.io", "annotations": approved}
    await establish(web, {**overlapping, "metadata": metadata})
    for document, told in zip(documents, before, strict=True):
        text = (await web("GET", document)).body
        whole = json.loads(text, object_pairs_hook=_once)
        assert whole["paths"][path] == told
        assert b'"probe"' not in text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), "a name stands twice"
    return found


async def test_built_in_versions_are_told_without_what_is_defined_in_them(web: Web) -> None:
    wanted = definition(version(), version("v9", storage=False), group="node.k8s.io")
    approved = {"api-approved.kubernetes.io": "unapproved, a test"}
    await establish(web, {**wanted, "metadata": {"name": "crontabs.node.k8s.io", "annotations": approved}})
    for name, told in (("v1", ["runtimeclasses"]), ("v9", ["crontabs"])):
        resources = (await web.ok("GET", f"/apis/node.k8s.io/{name}"))["resources"]
        assert [resource["name"] for resource in resources] == told


async def test_versions_are_ordered_by_preference(web: Web) -> None:
    versions = [version(name, storage=name == "v1") for name in ("v1beta2", "v1", "v2alpha1", "v1beta10", "foo")]
    await establish(web, definition(*versions))
    group = await web.ok("GET", f"/apis/{GROUP}")
    assert [entry["version"] for entry in group["versions"]] == ["v1", "v1beta10", "v1beta2", "v2alpha1", "foo"]
    assert group["preferredVersion"]["version"] == "v1"


async def test_openapi_describes_it(web: Web) -> None:
    before = await web.ok("GET", "/openapi/v3")
    await establish(web, full())
    v2 = await web.ok("GET", "/openapi/v2")
    model = v2["definitions"][MODEL]
    assert model["x-kubernetes-group-version-kind"] == [{"group": GROUP, "version": "v1", "kind": "CronTab"}]
    assert model["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.image"}]
    assert model["properties"]["spec"]["properties"]["replicas"] == {"type": "integer", "minimum": 1, "maximum": 10}
    assert model["properties"]["metadata"]["$ref"] == "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    patch = v2["paths"][f"/apis/{GROUP}/v1/namespaces/{{namespace}}/crontabs/{{name}}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["consumes"]
    protobuf = await web("GET", "/openapi/v2", accept="application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
    assert MODEL.encode() in protobuf.body
    index = await web.ok("GET", "/openapi/v3")
    assert before["paths"]["apis/apps/v1"] == index["paths"]["apis/apps/v1"]
    v3 = await web.ok("GET", index["paths"][f"apis/{GROUP}/v1"]["serverRelativeURL"])
    spec = v3["components"]["schemas"][MODEL]["properties"]["spec"]
    assert spec["properties"]["image"]["default"] == "busybox"
    assert v3["components"]["schemas"][f"{MODEL}List"]["required"] == ["items"]


async def test_kubectl(web: Web, kubectl: Callable[..., Any]) -> None:
    await establish(web, full())
    await web.ok("POST", PATH, cron_tab(replicas=2))
    code, out = await kubectl("get", "ct")
    assert code == 0
    assert out.split()[:3] == ["NAME", "SPEC", "AGE"]
    assert (await kubectl("get", "all"))[1].startswith("NAME")
    code, out = await kubectl("explain", "crontab.spec")
    assert code == 0, out
    assert "When to run." in out
    code, out = await kubectl("describe", "crontabs", "a")
    assert "Cron Spec:" in out
    code, out = await kubectl("scale", "crontabs/a", "--replicas=4")
    assert code == 0, out
    assert (await web.ok("GET", f"{PATH}/a"))["spec"]["replicas"] == 4
    code, out = await kubectl("wait", "--for=condition=Established", f"crd/{NAME}", "--timeout=60s")
    assert code == 0, out
    manifest = f"""
apiVersion: {GROUP}/v1
kind: CronTab
metadata: {{name: b}}
spec: {{cronSpec: "* * * * *", bogus: 1}}
"""
    code, out = await kubectl("create", "-f", "-", stdin=manifest)
    assert code == 1
    assert 'unknown field "spec.bogus"' in out
    code, out = await kubectl("apply", "-f", "-", stdin=manifest.replace(", bogus: 1", ""))
    assert code == 0, out
    code, out = await kubectl("apply", "-f", "-", stdin=manifest.replace("bogus: 1", "image: other"))
    assert code == 0, out
    assert (await web.ok("GET", f"{PATH}/b"))["spec"]["image"] == "other"
    code, out = await kubectl("delete", "ct", "--all")
    assert code == 0, out
    code, out = await kubectl("delete", "crd", NAME, "--timeout=60s")
    assert code == 0, out
    assert await condition(web, "Established") is None
