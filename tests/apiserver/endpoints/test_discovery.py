"""Everything that is no resource: discovery, OpenAPI, health, version, metrics, token discovery."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import pytest

from pynetes.apiserver.http import Response
from pynetes.apiserver.server import APIServer
from tests.apiserver.endpoints.conftest import Web

AGGREGATED = "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io"
AGGREGATED_PARAMS = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PROTOBUF = "application/vnd.kubernetes.protobuf"
OPENAPI = "application/com.github.proto-openapi"


async def test_classic_discovery(web: Web) -> None:
    assert (await web.ok("GET", "/api"))["versions"] == ["v1"]
    groups = {group["name"]: group for group in (await web.ok("GET", "/apis"))["groups"]}
    assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert (await web.ok("GET", "/apis/apps"))["kind"] == "APIGroup"
    found = await web.ok("GET", "/api/v1")
    resources = {entry["name"]: entry for entry in found["resources"]}
    assert list(resources) == sorted(resources)
    assert resources["pods"]["shortNames"] == ["po"]
    assert resources["pods"]["categories"] == ["all"]
    assert resources["pods/eviction"] == {
        "name": "pods/eviction",
        "singularName": "",
        "namespaced": True,
        "group": "policy",
        "version": "v1",
        "kind": "Eviction",
        "verbs": ["create"],
    }


async def test_aggregated_discovery_and_its_etag(web: Web) -> None:
    answer = await web("GET", "/apis", accept=AGGREGATED)
    assert answer.headers["Content-Type"] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    apps = next(item for item in answer.json["items"] if item["metadata"]["name"] == "apps")
    deployment = next(r for r in apps["versions"][0]["resources"] if r["resource"] == "deployments")
    assert deployment["responseKind"] == {"group": "", "version": "", "kind": "Deployment"}
    assert [sub["subresource"] for sub in deployment["subresources"]] == ["scale", "status"]
    again = await web("GET", "/apis", accept=AGGREGATED, If_None_Match=answer.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    packed = await web("GET", "/apis", accept=f"{PROTOBUF};{AGGREGATED_PARAMS}")
    assert packed.headers["Content-Type"] == f"{PROTOBUF};{AGGREGATED_PARAMS}"
    assert packed.headers["ETag"] == answer.headers["ETag"]
    assert packed.body.startswith(b"k8s\0\n/\n\x16apidiscovery.k8s.io/v2\x12\x15APIGroupDiscoveryList")
    assert (await web("GET", "/apis/", accept=AGGREGATED)).status == 406
    assert (await web("POST", "/apis/apps/")).json["kind"] == "APIGroup"


async def test_openapi(web: Web) -> None:
    paths = (await web.ok("GET", "/openapi/v3"))["paths"]
    url = paths["apis/apps/v1"]["serverRelativeURL"]
    document = await web("GET", url)
    assert document.status == 200
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}" in document.json["paths"]
    assert "immutable" in document.headers["Cache-Control"]
    assert (await web.ok("GET", "/openapi/v2"))["swagger"] == "2.0"
    for media in ("spec.v2@v1.0", "spec.v2.v1.0"):
        protobuf = await web("GET", "/openapi/v2", accept=f"application/com.github.proto-openapi.{media}+protobuf")
        assert protobuf.headers["Content-Type"] == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        assert protobuf.body.startswith(b"\x0a\x032.0")
    assert (await web("GET", "/openapi/v2", accept="text/html")).status == 406
    assert (await web("GET", "/openapi/v3/apis/none/v1")).status == 404
    assert (await web("GET", "/openapi/v3/")).body == b""
    for media in ("spec.v3@v1.0", "spec.v3.v1.0"):
        packed = await web("GET", url, accept=f"{OPENAPI}.{media}+protobuf")
        assert packed.headers["Content-Type"] == f"{OPENAPI}.spec.v3.v1.0+protobuf"
        assert packed.headers["ETag"] == document.headers["ETag"]
        assert packed.body.startswith(b"\x0a\x053.0.0")


async def test_openapi_documents_are_asked_for_on_conditions(web: Web) -> None:
    for path in ("/openapi/v2", "/openapi/v3/apis/apps/v1"):
        first = await web("GET", path)
        tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
        for unchanged in ({"If_None_Match": f'"x", W/{tag}'}, {"If_None_Match": "*"}, {"If_Modified_Since": modified}):
            assert (await web("GET", path, **unchanged)).status == 304
        for changed in ({"If_None_Match": '"x"', "If_Modified_Since": modified}, {"If_Modified_Since": "never"}):
            assert (await web("GET", path, **changed)).status == 200
        past = "Mon, 01 Jan 2001 00:00:00 GMT"
        for failed in ({"If_Match": '"x"'}, {"If_Match": f"W/{tag}"}, {"If_Unmodified_Since": past}):
            assert (await web("GET", path, **failed)).status == 412
        assert (await web("GET", path, If_Match=tag)).status == 200
    assert (await web("GET", "/openapi/v3", If_None_Match="*")).status == 304


async def test_the_index_of_openapi_is_new_each_time(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    first = (await web("GET", "/openapi/v3")).headers["Last-Modified"]
    later = SimpleNamespace(now=lambda: parsedate_to_datetime(first) + timedelta(seconds=1))
    monkeypatch.setattr("pynetes.apiserver.endpoints.openapi.clock", later)
    assert (await web("GET", "/openapi/v3", If_Modified_Since=first)).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health(web: Web, path: str) -> None:
    assert (await web("GET", path)).body == b"ok"
    verbose = await web("GET", f"{path}?verbose")
    assert verbose.body.startswith(b"[+]ping ok\n[+]log ok\n[+]etcd ok\n")
    assert verbose.body.endswith(f"{path[1:]} check passed\n".encode())
    assert (await web("GET", f"{path}/etcd")).body == b"ok"
    assert (await web("GET", f"{path}/nothing")).status == 404
    assert b"[+]etcd excluded: ok" in (await web("GET", f"{path}?verbose&exclude=etcd")).body


async def test_version_metrics_and_index(web: Web) -> None:
    assert (await web.ok("GET", "/version"))["gitVersion"].startswith("v1.36.0")
    metrics = await web("GET", "/metrics")
    assert b"apiserver_request_total{" in metrics.body
    paths = (await web.ok("GET", "/"))["paths"]
    assert {"/api/v1", "/apis/apps/v1", "/livez", "/openapi/v3"} <= set(paths)


async def test_service_account_keys_are_published(web: Web) -> None:
    issuer = await web.ok("GET", "/.well-known/openid-configuration")
    assert issuer["issuer"] == "https://kubernetes.default.svc.cluster.local"
    keys = await web("GET", "/openid/v1/jwks", accept="*/*")
    assert keys.headers["Content-Type"] == "application/jwk-set+json"
    assert keys.json["keys"][0]["kty"] == "EC"


async def test_a_new_cluster_has_what_clusters_have(web: Web, server: APIServer) -> None:
    spaces = await web.ok("GET", "/api/v1/namespaces")
    assert [n["metadata"]["name"] for n in spaces["items"]] == [
        "default",
        "kube-node-lease",
        "kube-public",
        "kube-system",
    ]
    service = await web.ok("GET", "/api/v1/namespaces/default/services/kubernetes")
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    slices = await web.ok("GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes")
    assert slices["endpoints"][0]["addresses"] == ["192.0.2.10"]
    assert slices["ports"][0]["port"] == server.port
    classes = await web.ok("GET", "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical")
    assert classes["value"] == 2000001000
    assert (await web.ok("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin"))["rules"]
    trust = await web.ok("GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
    assert "BEGIN CERTIFICATE" in trust["data"]["client-ca-file"]


async def test_answers_within_the_process_are_the_same(web: Web, server: APIServer) -> None:
    found = await server.client().raw("GET", "/api/v1")
    assert isinstance(found.body, bytes)
    assert found.body == (await web("GET", "/api/v1")).body
    assert Response().status == 200
