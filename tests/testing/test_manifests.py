"""Objects from files come into a cluster of the API server alone, and webhooks of the test's own are asked."""

import ssl
from pathlib import Path

import pytest
from aiohttp import web

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.testing import cluster, manifests

_DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""
_WIDGETS = """
# before its definition, by name
apiVersion: example.com/v1
kind: Widget
metadata: {name: first}
---
apiVersion: v1
kind: List
items:
- {apiVersion: example.com/v1, kind: Widget, metadata: {name: second, namespace: kube-public}}
"""
_WEBHOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: widgets}
webhooks:
- name: widgets.example.com
  clientConfig: {service: {name: operator, namespace: operator-system, path: /validate}}
  rules: [{apiGroups: [example.com], apiVersions: [v1], operations: [CREATE], resources: [widgets]}]
  admissionReviewVersions: [v1]
  sideEffects: None
"""
_GVR = GroupVersionResource("example.com", "v1", "widgets")


async def _refuse(request: web.Request) -> web.Response:
    review = await request.json()
    answer = {"uid": review["request"]["uid"], "allowed": False, "status": {"message": f"asked at {request.path}"}}
    return web.json_response({**review, "response": answer})


async def test_objects_and_webhooks_are_installed(tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    objects.mkdir()
    (objects / "a-widgets.yaml").write_text(_WIDGETS)
    (objects / "b-definition.yml").write_text(_DEFINITION)
    (objects / "notes.txt").write_text("no object")
    (tmp_path / "webhook.yaml").write_text(_WEBHOOK)
    application = web.Application()
    application.router.add_post("/validate", _refuse)
    runner = web.AppRunner(application)
    async with cluster.running(tmp_path, controllers=False) as made:
        await made.install(objects)
        names = {(w["metadata"]["namespace"], w["metadata"]["name"]) for w in (await made.client.list(_GVR))["items"]}
        assert names == {("default", "first"), ("kube-public", "second")}
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(made.serving.certificate, made.serving.key)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            await made.install(tmp_path / "webhook.yaml", webhooks=f"https://127.0.0.1:{runner.addresses[0][1]}/")
            widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "third"}}
            with pytest.raises(StatusError, match="denied the request: asked at /validate"):
                await made.client.create(_GVR, widget, await made.namespace())
        finally:
            await runner.cleanup()


def test_conversion_is_turned_too() -> None:
    config = {"service": {"name": "s", "namespace": "n", "path": "/convert"}}
    definition = {"spec": {"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": config}}}}
    manifests.turned(definition, "https://127.0.0.1:1", b"authority")
    assert config == {"url": "https://127.0.0.1:1/convert", "caBundle": "YXV0aG9yaXR5"}
