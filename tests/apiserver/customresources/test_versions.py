"""Several versions of a kind: by name alone, by a webhook, and a change of the stored one."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web as aioweb

from pynetes.apimachinery.meta import copy
from pynetes.apiserver.server import APIServer
from pynetes.component.pki import PKI
from tests.apiserver.customresources.conftest import CRDS, GROUP, NAME, cron_tab, definition, establish, until
from tests.apiserver.endpoints.conftest import Web
from tests.apiserver.webhooks.hook import Hook, serving

Object = dict[str, Any]
MERGE = "application/merge-patch+json"
TEXT = {"type": "string"}


def path(version: str) -> str:
    return f"/apis/{GROUP}/{version}/namespaces/default/crontabs"


def schema(**properties: Any) -> Object:
    spec = {"type": "object", "properties": properties}
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}


def two(**spec: Any) -> Object:
    """v1beta1 is stored."""
    return definition(
        {
            "name": "v1beta1",
            "served": True,
            "storage": True,
            "deprecated": True,
            "schema": schema(hostPort=TEXT, old={"type": "string", "default": "o"}),
            "subresources": {"status": {}},
        },
        {
            "name": "v1",
            "served": True,
            "storage": False,
            "schema": schema(host=TEXT, port=TEXT, hostPort=TEXT, new={"type": "string", "default": "n"}),
        },
        **spec,
    )


def made(version: str, name: str = "a", **spec: Any) -> Object:
    return {**cron_tab(name, f"{GROUP}/{version}"), "spec": spec}


async def store(web: Web, version: str) -> None:
    """Makes another version the stored one."""
    crd = await web.ok("GET", f"{CRDS}/{NAME}")
    for entry in crd["spec"]["versions"]:
        entry["storage"] = entry["name"] == version
    await web.ok("PUT", f"{CRDS}/{NAME}", crd)


async def test_by_name_alone(web: Web) -> None:
    await establish(web, two())
    answer = await web("POST", path("v1beta1"), made("v1beta1", hostPort="a:1"))
    assert answer.json["spec"] == {"hostPort": "a:1", "old": "o"}
    assert answer.headers.getall("Warning") == [
        '299 - "stable.example.com/v1beta1 CronTab is deprecated; use stable.example.com/v1 CronTab"'
    ]
    status = await web("GET", f"{path('v1beta1')}/a/status")
    assert status.headers.getall("Warning") == answer.headers.getall("Warning")
    read = await web.ok("GET", f"{path('v1')}/a")
    assert read["apiVersion"] == f"{GROUP}/v1"
    assert read["spec"] == {"hostPort": "a:1"}, "what v1 does not know is pruned, its defaults are for writers"
    await web.ok("POST", path("v1"), made("v1", "b", host="h"))
    assert (await web.ok("GET", f"{path('v1')}/b"))["spec"] == {}, "what is stored is what v1beta1 knows"
    listed = await web.ok("GET", path("v1"))
    assert [item["apiVersion"] for item in listed["items"]] == [f"{GROUP}/v1"] * 2


async def test_objects_move_to_the_stored_version_when_they_are_written(web: Web, server: APIServer) -> None:
    await establish(web, two())
    await web.ok("POST", path("v1beta1"), made("v1beta1", hostPort="a:1"))
    await store(web, "v1")
    assert (await web.ok("GET", f"{CRDS}/{NAME}"))["status"]["storedVersions"] == ["v1beta1", "v1"]
    key = f"/registry/{GROUP}/crontabs/default/a"
    before, _ = await server.registry.store.get(key)
    assert before is not None
    assert json.loads(before.value)["apiVersion"] == f"{GROUP}/v1beta1"
    read = await web.ok("GET", f"{path('v1')}/a")
    written = await web.ok("PUT", f"{path('v1')}/a", read)
    assert written["metadata"]["resourceVersion"] != read["metadata"]["resourceVersion"]
    after, _ = await server.registry.store.get(key)
    assert after is not None
    assert json.loads(after.value)["apiVersion"] == f"{GROUP}/v1"
    again = await web.ok("PUT", f"{path('v1')}/a", written)
    assert again["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]
    await web.ok("PATCH", f"{CRDS}/{NAME}/status", {"status": {"storedVersions": ["v1"]}}, type=MERGE)
    crd = await web.ok("GET", f"{CRDS}/{NAME}")
    crd["spec"]["versions"] = [entry for entry in crd["spec"]["versions"] if entry["name"] == "v1"]
    await web.ok("PUT", f"{CRDS}/{NAME}", crd)

    async def withdrawn() -> bool:
        return (await web("GET", path("v1beta1"))).status == 404

    await until(withdrawn, "the old version's end")
    assert (await web.ok("GET", f"{path('v1')}/a"))["spec"] == written["spec"]


async def test_a_version_in_which_objects_may_be_stored_stays(web: Web) -> None:
    await establish(web, two())
    await store(web, "v1")
    crd = await web.ok("GET", f"{CRDS}/{NAME}")
    crd["spec"]["versions"] = [entry for entry in crd["spec"]["versions"] if entry["name"] == "v1"]
    answer = await web("PUT", f"{CRDS}/{NAME}", crd)
    assert answer.status == 422
    assert 'status.storedVersions[0]: Invalid value: "v1beta1": missing from spec.versions' in answer.message


# --- by a webhook


def convert(review: Object) -> aioweb.StreamResponse:
    """`hostPort` of v1beta1 is `host` and `port` of v1."""
    request = review["request"]
    out = []
    for obj in request["objects"]:
        new = copy(obj)
        new["apiVersion"] = request["desiredAPIVersion"]
        spec = new.setdefault("spec", {})
        if new["apiVersion"].endswith("/v1"):
            host, _, port = spec.pop("hostPort", "").partition(":")
            spec |= {"host": host, "port": port}
        else:
            spec["hostPort"] = f"{spec.pop('host', '')}:{spec.pop('port', '')}"
        new["metadata"].setdefault("annotations", {})["converted"] = "yes"
        new["metadata"].setdefault("finalizers", ["ignored.example/x"])
        out.append(new)
    return answered(review, convertedObjects=out)


def answered(review: Object, **response: Any) -> aioweb.StreamResponse:
    whole = {"uid": review["request"]["uid"], "result": {"status": "Success"}, **response}
    return aioweb.json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": whole})


@pytest.fixture
async def hook(files: PKI) -> AsyncIterator[Hook]:
    async with serving(files) as hook:
        hook.answer = convert
        yield hook


@pytest.fixture
async def converted(web: Web, hook: Hook) -> Object:
    webhook = {"clientConfig": hook.config, "conversionReviewVersions": ["v1", "v1beta1"]}
    return await establish(web, two(conversion={"strategy": "Webhook", "webhook": webhook}))


@pytest.mark.usefixtures("converted")
async def test_a_webhook_converts_what_is_read_and_written(web: Web, hook: Hook) -> None:
    answer = await web.ok("POST", path("v1"), made("v1", host="h", port="1"))
    assert answer["spec"] == {"host": "h", "port": "1"}
    assert answer["metadata"]["annotations"] == {"converted": "yes"}
    assert "finalizers" not in answer["metadata"], "of metadata, labels and annotations are the webhook's"
    old = await web.ok("GET", f"{path('v1beta1')}/a")
    assert old["spec"]["hostPort"] == "h:1"
    review = hook.asked[0]
    assert (review["apiVersion"], review["kind"]) == ("apiextensions.k8s.io/v1", "ConversionReview")
    assert review["request"]["desiredAPIVersion"] == f"{GROUP}/v1beta1"
    assert hook.query[0] == "timeout=30s"
    patched = await web.ok("PATCH", f"{path('v1')}/a", {"spec": {"port": "2"}}, type=MERGE)
    assert patched["spec"] == {"host": "h", "port": "2"}
    assert (await web.ok("GET", f"{path('v1beta1')}/a"))["spec"]["hostPort"] == "h:2"
    assert [i["spec"] for i in (await web.ok("GET", path("v1")))["items"]] == [{"host": "h", "port": "2"}]
    await web.ok("DELETE", f"{path('v1')}/a")
    assert (await web.ok("GET", path("v1beta1")))["items"] == []


@pytest.mark.usefixtures("converted")
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda review: answered(review, result={"status": "Failure", "message": "no way"}),
            "conversion webhook for stable.example.com/v1, Kind=CronTab failed: no way",
        ),
        (
            lambda review: answered(review, result={}),
            "conversion webhook for stable.example.com/v1, Kind=CronTab failed: response.result.status was '', not "
            "'Success'",
        ),
        (
            lambda review: answered(review, uid="x", convertedObjects=[]),
            'conversion webhook for stable.example.com/v1, Kind=CronTab failed: expected response.uid="',
        ),
        (
            lambda review: answered(review, convertedObjects=[]),
            "conversion webhook for stable.example.com/v1, Kind=CronTab returned 0 objects, expected 1",
        ),
        (
            lambda review: answered(review, convertedObjects=review["request"]["objects"]),
            "conversion webhook for stable.example.com/v1, Kind=CronTab returned invalid object at index 0: invalid "
            "groupVersion (expected stable.example.com/v1beta1, received stable.example.com/v1)",
        ),
        (
            lambda review: aioweb.Response(status=500, text="broken"),
            "conversion webhook for stable.example.com/v1, Kind=CronTab failed: an error on the server",
        ),
    ],
)
async def test_a_webhook_that_fails(web: Web, hook: Hook, answer: Any, message: str) -> None:
    hook.answer = answer
    refused = await web("POST", path("v1"), made("v1", host="h", port="1"))
    assert refused.status == 500
    assert refused.message.startswith(message)
    assert (await web("POST", path("v1beta1"), made("v1beta1", "b"))).status == 201


@pytest.mark.usefixtures("converted")
async def test_what_cannot_be_converted_is_told_and_comes_back_with_its_webhook(web: Web, hook: Hook) -> None:
    await web.ok("POST", path("v1beta1"), made("v1beta1", hostPort="h:1"))
    hook.answer = lambda review: aioweb.Response(status=503)
    await web.ok("POST", path("v1beta1"), made("v1beta1", "b", hostPort="h:2"))

    async def refused() -> bool:
        answer = await web("GET", path("v1"))
        return answer.status == 500 and "conversion webhook for stable.example.com/v1beta1" in answer.message

    await until(refused, "the failure to be told")
    assert (await web.ok("GET", f"{path('v1beta1')}/b"))["spec"]["hostPort"] == "h:2"
    hook.answer = convert

    async def back() -> bool:
        answer = await web("GET", path("v1"))
        return answer.status == 200 and len(answer.json["items"]) == 2

    await until(back, "the objects to come back")


async def test_a_webhook_that_converts_one_object_at_a_time(web: Web, hook: Hook) -> None:
    await establish(web, two())
    for name in ("a", "b"):
        await web.ok("POST", path("v1beta1"), made("v1beta1", name, hostPort=f"{name}:1"))

    def first(review: Object) -> aioweb.StreamResponse:
        request = review["request"]
        return convert({**review, "request": {**request, "objects": request["objects"][:1]}})

    hook.answer = first
    crd = await web.ok("GET", f"{CRDS}/{NAME}")
    webhook = {"clientConfig": hook.config, "conversionReviewVersions": ["v1"]}
    crd["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    await web.ok("PUT", f"{CRDS}/{NAME}", crd)

    async def listed() -> bool:
        answer = await web("GET", path("v1"))
        return answer.status == 200 and [i["spec"].get("host") for i in answer.json["items"]] == ["a", "b"]

    await until(listed, "both objects")
    assert [len(review["request"]["objects"]) for review in hook.asked[:3]] == [2, 1, 1]


async def test_a_bundle_that_is_none_keeps_a_definition_from_being_established(web: Web, hook: Hook) -> None:
    webhook = {"clientConfig": {**hook.config, "caBundle": "Zm9v"}, "conversionReviewVersions": ["v1"]}
    await web.ok("POST", CRDS, two(conversion={"strategy": "Webhook", "webhook": webhook}))

    async def told() -> bool:
        conditions = (await web.ok("GET", f"{CRDS}/{NAME}"))["status"]["conditions"] or []
        return any(c["type"] == "Established" and c["reason"] == "InvalidCABundle" for c in conditions)

    await until(told, "the condition")
    assert GROUP not in str(await web.ok("GET", "/apis"))
