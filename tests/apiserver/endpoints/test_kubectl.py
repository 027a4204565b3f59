"""Stock kubectl does not notice."""

from collections.abc import Awaitable, Callable

from pynetes.apiserver.server import APIServer

Kubectl = Callable[..., Awaitable[tuple[int, str]]]

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1", ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}
"""


async def run(kubectl: Kubectl, *args: str, stdin: str = "") -> str:
    code, out = await kubectl(*args, stdin=stdin)
    assert code == 0, out
    assert "Warning" not in out
    return out


async def test_apply_get_change_and_delete(kubectl: Kubectl, server: APIServer) -> None:
    out = await run(kubectl, "apply", "-f", "-", stdin=MANIFEST)
    assert out == "deployment.apps/web created\nservice/web created\n"
    out = await run(kubectl, "apply", "-f", "-", stdin=MANIFEST)
    assert out == "deployment.apps/web unchanged\nservice/web unchanged\n"
    assert await run(kubectl, "scale", "deploy/web", "--replicas=5") == "deployment.apps/web scaled\n"
    assert (await run(kubectl, "get", "deploy", "web", "--no-headers")).split()[:2] == ["web", "0/5"]
    assert await run(kubectl, "set", "image", "deploy/web", "web=web:2") == "deployment.apps/web image updated\n"
    assert await run(kubectl, "label", "svc/web", "x=y") == "service/web labeled\n"
    assert (
        await run(kubectl, "get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
        == "web:2"
    )
    out = await run(kubectl, "delete", "-f", "-", stdin=MANIFEST)
    assert out == 'deployment.apps "web" deleted\nservice "web" deleted\n'


async def test_typed_clients_send_protobuf(kubectl: Kubectl, server: APIServer) -> None:
    assert await run(kubectl, "create", "namespace", "team") == "namespace/team created\n"
    assert await run(kubectl, "create", "configmap", "settings", "--from-literal=a=b") == "configmap/settings created\n"
    assert await run(kubectl, "get", "cm", "settings", "-o", "jsonpath={.data.a}") == "b"
    assert await run(kubectl, "create", "secret", "generic", "s", "--from-literal=a=b") == "secret/s created\n"
    assert await run(kubectl, "get", "secret", "s", "-o", "jsonpath={.data.a}") == "Yg=="
    assert await run(kubectl, "create", "deployment", "d", "--image=x", "--replicas=0") == "deployment.apps/d created\n"
    assert await run(kubectl, "get", "deploy", "d", "-o", "jsonpath={.spec.replicas}") == "0"
    assert await run(kubectl, "run", "p", "--image=x") == "pod/p created\n"
    assert (await run(kubectl, "create", "token", "default")).count(".") == 2
    assert await run(kubectl, "auth", "can-i", "get", "pods") == "yes\n"
    assert "kubernetes-admin" in await run(kubectl, "auth", "whoami")


async def test_explain_and_api_resources(kubectl: Kubectl, server: APIServer) -> None:
    assert "FIELD: image <string>" in await run(kubectl, "explain", "pod.spec.containers.image")
    out = await run(kubectl, "api-resources", "--namespaced=true", "-o", "name")
    assert {"pods", "deployments.apps", "events.events.k8s.io"} <= set(out.split())


async def test_mistakes_read_as_usual(kubectl: Kubectl, server: APIServer) -> None:
    code, out = await kubectl("get", "pod", "none")
    assert (code, out) == (1, 'Error from server (NotFound): pods "none" not found\n')
    code, out = await kubectl("apply", "-f", "-", stdin=MANIFEST.replace("replicas", "replicaz"))
    assert code == 1
    assert 'strict decoding error: unknown field "spec.replicaz"' in out


async def test_unknown_kinds_are_named_as_such(kubectl: Kubectl, server: APIServer) -> None:
    """kubectl looks for them in the OpenAPI document, as protobuf, before it says so."""
    code, out = await kubectl("create", "-f", "-", stdin="apiVersion: v1\nkind: Foo\nmetadata: {name: x}")
    assert code == 1
    assert 'no matches for kind "Foo" in version "v1"' in out
    assert "ensure CRDs are installed first" in out
    code, out = await kubectl("apply", "-f", "-", stdin="apiVersion: foo/v1\nkind: Foo\nmetadata: {name: x}")
    assert 'no matches for kind "Foo" in version "foo/v1"' in out
