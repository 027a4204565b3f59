"""Pull policies, failures and private images, with upstream's words."""

import base64
import json
from typing import Any

import pytest

from pynetes.kubelet.images import ImageError, ImageManager
from pynetes.kubelet.images.keyring import Credential, SecretSource
from pynetes.kubelet.images.pull_records import PullRecords


def login(user: str) -> dict[str, Any]:
    config = base64.b64encode(json.dumps({"auths": {"r.example": {"username": user}}}).encode()).decode()
    return {
        "metadata": {"name": user, "namespace": "ns", "uid": f"uid-{user}"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": config},
    }


async def test_always_pulls_each_time(setup: Any) -> None:
    setup.images.registry["r.example/a:1"] = ""
    for _ in range(2):
        ref, _ = await setup.ensure("r.example/a:1", "Always")
    assert ref == "sha256:r.example/a:1"
    assert len(setup.images.pulls) == 2
    assert setup.events[0] == ("Normal", "Pulling", 'Pulling image "r.example/a:1"')
    type, reason, message = setup.events[1]
    assert (type, reason) == ("Normal", "Pulled")
    assert message.startswith('Successfully pulled image "r.example/a:1" in ')
    assert message.endswith(" including waiting). Image size: 1000 bytes.")


async def test_if_not_present_pulls_once(setup: Any) -> None:
    setup.images.registry["r.example/a:1"] = ""
    await setup.ensure("r.example/a:1")
    _, message = await setup.ensure("r.example/a:1")
    assert len(setup.images.pulls) == 1
    assert message == 'Container image "r.example/a:1" already present on machine and can be accessed by the pod'
    assert setup.events[-1] == ("Normal", "Pulled", message)


async def test_an_untagged_image_is_latest_and_pulled_always(setup: Any) -> None:
    setup.images.registry["r.example/a:latest"] = ""
    for _ in range(2):
        await setup.ensure("r.example/a")
    assert setup.images.pulls == [("r.example/a:latest", "")] * 2


async def test_never(setup: Any) -> None:
    with pytest.raises(ImageError) as caught:
        await setup.ensure("r.example/a:1", "Never")
    message = 'Container image "r.example/a:1" is not present with pull policy of Never'
    assert (caught.value.reason, caught.value.message) == ("ErrImageNeverPull", message)
    assert setup.events == [("Warning", "ErrImageNeverPull", message)]
    assert setup.images.pulls == []


async def test_what_happens_to_an_image_volume_is_told_of_the_pod(setup: Any) -> None:
    told: list[Any] = []
    manager = ImageManager(setup.images, event=lambda *args: told.append(args[1:4]), secret=None)
    pod = {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {}}
    setup.images.registry["data:1"] = ""
    found = await manager.ensure_volume_image(pod, {"reference": "data:1", "pullPolicy": "Always"})
    assert found.ref == "sha256:data:1"
    with pytest.raises(ImageError) as caught:
        await manager.ensure_volume_image(pod, {"reference": "none:1", "pullPolicy": "Never"})
    assert caught.value.reason == "ErrImageNeverPull"
    reasons = ["Pulling", "Pulled", "ErrImageNeverPull"]
    assert [(container, reason) for container, _, reason in told] == [(None, reason) for reason in reasons]


async def test_invalid_name(setup: Any) -> None:
    with pytest.raises(ImageError) as caught:
        await setup.ensure("Bad:::Name")
    assert caught.value.reason == "InvalidImageName"
    assert caught.value.message.startswith('Failed to apply default image tag "Bad:::Name": couldn\'t parse image name')
    assert setup.events[0][:2] == ("Warning", "InspectFailed")


async def test_a_failed_pull_backs_off_with_the_reason(setup: Any) -> None:
    with pytest.raises(ImageError) as caught:
        await setup.ensure("r.example/a:1")
    text = "rpc error: code = NotFound desc = r.example/a:1: not found"
    assert (caught.value.reason, caught.value.message) == ("ErrImagePull", text)
    assert setup.events[-1] == ("Warning", "Failed", f'Failed to pull image "r.example/a:1": {text}')
    with pytest.raises(ImageError) as caught:
        await setup.ensure("r.example/a:1")
    assert caught.value.reason == "ImagePullBackOff"
    assert caught.value.message == f'Back-off pulling image "r.example/a:1": ErrImagePull: {text}'
    assert setup.events[-1] == ("Normal", "BackOff", 'Back-off pulling image "r.example/a:1"')
    assert len(setup.images.pulls) == 1
    with pytest.raises(ImageError, match="ErrImagePull"):
        await setup.ensure("r.example/a:1", uid="another pod tries for itself")


async def test_the_runtime_cannot_inspect(setup: Any) -> None:
    setup.images.error = "boom"
    with pytest.raises(ImageError) as caught:
        await setup.ensure("r.example/a:1")
    assert caught.value.reason == "ImageInspectError"


@pytest.mark.parametrize(
    ("details", "reason", "message"),
    [
        (
            "RegistryUnavailable: connection refused",
            "RegistryUnavailable",
            "image pull failed for x:1 because the registry is unavailable: connection refused",
        ),
        (
            "SignatureValidationFailed",
            "SignatureValidationFailed",
            "image pull failed for x:1 because the signature validation failed",
        ),
    ],
)
async def test_known_failures_of_runtimes(
    setup: Any, monkeypatch: pytest.MonkeyPatch, details: str, reason: str, message: str
) -> None:
    import grpc

    from pynetes.kubelet.cri.channel import CRIError

    async def pull(image: str, **options: Any) -> str:
        raise CRIError("PullImage", grpc.StatusCode.UNKNOWN, details)

    monkeypatch.setattr(setup.images, "pull_image", pull)
    with pytest.raises(ImageError) as caught:
        await setup.ensure("x:1")
    assert (caught.value.reason, caught.value.message) == (reason, message)


async def test_credentials_are_tried_in_turn(setup: Any) -> None:
    setup.images.registry["r.example/a:1"] = "ann"
    setup.secrets.update(joe=login("joe"), ann=login("ann"))
    await setup.ensure("r.example/a:1", secrets=("joe", "ann"))
    assert setup.images.pulls == [("r.example/a:1", "joe"), ("r.example/a:1", "ann")]


async def test_missing_pull_secrets_are_told_and_the_pull_is_tried(setup: Any) -> None:
    setup.images.registry["r.example/a:1"] = ""
    await setup.ensure("r.example/a:1", secrets=("gone",))
    assert setup.events[0] == (
        "Warning",
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (gone); attempting to pull the image may not succeed.",
    )


async def test_a_private_image_serves_only_pods_with_its_credentials(setup: Any) -> None:
    setup.images.registry["r.example/a:1"] = "ann"
    setup.secrets.update(ann=login("ann"), joe=login("joe"))
    await setup.ensure("r.example/a:1", secrets=("ann",))
    assert len(setup.images.pulls) == 1
    await setup.ensure("r.example/a:1", secrets=("ann",), uid="2")
    assert len(setup.images.pulls) == 1, "the same secret needs no pull"
    with pytest.raises(ImageError, match="ErrImagePull"):
        await setup.ensure("r.example/a:1", secrets=("joe",), uid="3")
    with pytest.raises(ImageError, match="ErrImageNeverPull"):
        await setup.ensure("r.example/a:1", "Never", uid="4")


async def test_who_may_use_an_image_survives_a_restart(setup: Any, tmp_path: Any) -> None:
    setup.images.registry["r.example/a:1"] = "ann"
    setup.secrets["ann"] = login("ann")
    await setup.ensure("r.example/a:1", secrets=("ann",))
    again = PullRecords(tmp_path / "records")
    assert not again.may_use("r.example/a:1", ())
    assert again.may_use("loaded/by:hand", ())
    again.keep_only(["other"])
    assert PullRecords(tmp_path / "records").may_use("r.example/a:1", ())


def test_records_are_kept_while_the_image_is_there_whatever_its_short_name(tmp_path: Any) -> None:
    records = PullRecords(tmp_path)
    ann = Credential("ann", "pass", source=SecretSource("ns", "ann", "1"))
    for image in ("nginx:1", "r.example/a:1"):
        records.pulled(image, ann)
    records.keep_only(["docker.io/library/nginx:1"])
    assert not records.may_use("nginx:1", ())
    assert records.may_use("r.example/a:1", ())


async def test_serial_pulls_take_turns(setup: Any) -> None:
    import asyncio

    running, most = 0, 0
    original = setup.images.pull_image

    async def pull(image: str, **options: Any) -> str:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0)
        running -= 1
        return str(await original(image, **options))

    setup.images.pull_image = pull
    names = [f"r.example/{n}:1" for n in range(5)]
    setup.images.registry.update(dict.fromkeys(names, ""))
    await asyncio.gather(*(setup.ensure(name) for name in names))
    assert most == 1


async def test_too_many_pulls_a_second_fail(setup: Any) -> None:
    async def secret(namespace: str, name: str) -> Any:
        return None

    manager = ImageManager(setup.images, event=lambda *args: None, secret=secret, serialize=False, qps=0.001, burst=1)
    setup.images.registry["x:1"] = ""
    pod = {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {}}
    container = {"name": "c", "image": "x:1", "imagePullPolicy": "Always"}
    await manager.ensure_image(pod, container)
    with pytest.raises(ImageError, match="pull QPS exceeded"):
        await manager.ensure_image(pod, container)
