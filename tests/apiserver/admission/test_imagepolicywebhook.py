"""ImagePolicyWebhook against a real webhook: what it is asked, what is remembered, and what holds when it fails."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from admission_write import outcome, pod, write
from aiohttp import web

from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.admission.imagepolicywebhook import ImagePolicyWebhook
from pynetes.apiserver.config import ConfigurationError
from pynetes.client import kubeconfig
from pynetes.component import pki
from tests.apiserver.webhooks.hook import Hook, serving

REFUSED = '403 pods "x" is forbidden: '
AUDIT = "imagepolicywebhook.image-policy.k8s.io/"


@pytest.fixture
async def hook(files: pki.PKI) -> AsyncIterator[Hook]:
    async with serving(files) as made:
        yield made


@pytest.fixture
async def plugin(hook: Hook, tmp_path: Path) -> AsyncIterator[ImagePolicyWebhook]:
    made = configured(hook, tmp_path)
    yield made
    await made.close()


def configured(hook: Hook, directory: Path, **settings: Any) -> ImagePolicyWebhook:
    """As a server reads it: the whole file may be the plugin's."""
    where = kubeconfig.Config(hook.config["url"], ca=Path(hook.files.ca.certificate).read_bytes())
    kubeconfig.write(directory / "hook.conf", kubeconfig.document("hook", where))
    policy = {"kubeConfigFile": str(directory / "hook.conf"), "retryBackoff": 1, **settings}
    (directory / "admission.json").write_bytes(orjson.dumps({"imagePolicy": policy}))
    return ImagePolicyWebhook.of(Configurations.load(directory / "admission.json"))


def answers(hook: Hook, **status: Any) -> None:
    hook.answer = lambda review: web.json_response({**review, "status": status})


async def test_it_is_told_the_images_and_the_annotations_for_it(plugin: ImagePolicyWebhook, hook: Hook) -> None:
    answers(hook, allowed=True, auditAnnotations={"seen": "yes"})
    asked = pod(initContainers=[{"name": "i", "image": "init"}])
    asked["metadata"]["annotations"] = {"a.image-policy.k8s.io/break-glass": "1", "other": "2"}
    attrs = write(asked)
    assert await outcome(plugin, attrs) == ""
    assert attrs.annotations == {f"{AUDIT}seen": "yes"}
    assert hook.asked == [
        {
            "kind": "ImageReview",
            "apiVersion": "imagepolicy.k8s.io/v1alpha1",
            "metadata": {},
            "spec": {
                "containers": [{"image": "i"}, {"image": "init"}],
                "annotations": {"a.image-policy.k8s.io/break-glass": "1"},
                "namespace": "a",
            },
            "status": {"allowed": False},
        }
    ]


async def test_ephemeral_containers_are_told_by_themselves(plugin: ImagePolicyWebhook, hook: Hook) -> None:
    answers(hook, allowed=True)
    changed = pod(ephemeralContainers=[{"name": "e", "image": "debug"}])
    assert await outcome(plugin, write(changed, pod(), subresource="ephemeralcontainers")) == ""
    assert await outcome(plugin, write(pod(), pod(), subresource="status")) == ""
    assert [review["spec"]["containers"] for review in hook.asked] == [[{"image": "debug"}]]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"allowed": False, "reason": "too old"}, "image policy webhook backend denied one or more images: too old"),
        ({}, "one or more images rejected by webhook backend"),
    ],
)
async def test_a_denial_is_passed_on_and_remembered(
    plugin: ImagePolicyWebhook, hook: Hook, status: dict[str, Any], told: str
) -> None:
    answers(hook, **status)
    assert [await outcome(plugin, write(pod())) for _ in range(2)] == [REFUSED + told] * 2
    assert len(hook.asked) == 1


async def test_answers_that_are_not_to_be_remembered_are_asked_for_again(hook: Hook, tmp_path: Path) -> None:
    plugin = configured(hook, tmp_path, allowTTL=-1)
    answers(hook, allowed=True)
    assert [await outcome(plugin, write(pod())) for _ in range(2)] == ["", ""]
    assert len(hook.asked) == 2
    await plugin.close()


@pytest.mark.parametrize("open_", [False, True])
async def test_without_an_answer_the_default_holds(hook: Hook, tmp_path: Path, open_: bool) -> None:
    plugin = configured(hook, tmp_path, defaultAllow=open_)
    hook.answer = lambda review: web.Response(status=500, text="broken")
    attrs = write(pod())
    told = 'an error on the server ("broken") has prevented the request from succeeding'
    assert await outcome(plugin, attrs) == ("" if open_ else REFUSED + told)
    assert attrs.annotations == ({f"{AUDIT}failed-open": "true"} if open_ else {})
    assert len(hook.asked) == 5
    await plugin.close()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"allowTTL": 3600}, "valid value is between 1s and 30m0s, got 1h0m0s"),
        ({"retryBackoff": 600_000}, "valid value is between 1ns and 5m0s, got 10m0s"),
        ({"kubeConfigFile": "/missing"}, "/missing"),
    ],
)
def test_a_configuration_that_cannot_be_ends_the_start(
    hook: Hook, tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match='couldn\'t init admission plugin "ImagePolicyWebhook": ') as caught:
        configured(hook, tmp_path, **settings)
    assert told in str(caught.value)


def test_it_needs_a_configuration() -> None:
    with pytest.raises(ConfigurationError, match="no config specified"):
        ImagePolicyWebhook.of(Configurations())
