"""ImagePolicyWebhook: a server of the cluster's administrators is asked about the images of every pod."""

from pathlib import Path
from typing import Any

import orjson

from pynetes.apimachinery import meta
from pynetes.apimachinery.times import format_duration
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.configuration import Configurations, failure
from pynetes.apiserver.webhooks.client import WebhookError
from pynetes.apiserver.webhooks.remembered import Remembered
from pynetes.apiserver.webhooks.reviews import ReviewClient
from pynetes.client.kubeconfig import ConfigError

Object = dict[str, Any]

_GROUP = "imagepolicy.k8s.io/v1alpha1"
_OURS = ".image-policy.k8s.io/"
_AUDIT = "imagepolicywebhook.image-policy.k8s.io/"
_FAILED_OPEN = "alpha.image-policy.k8s.io/failed-open"
_REMEMBERED = 1024
#: Field → (unit in seconds, default, least, most), in seconds. -1 stands for none, 0 for the default.
_TIMES = {
    "retryBackoff": (0.001, 0.5, 1e-9, 300.0),
    "allowTTL": (1.0, 300.0, 1.0, 1800.0),
    "denyTTL": (1.0, 30.0, 1.0, 1800.0),
}


class ImagePolicyWebhook(Plugin):
    """Answers are remembered for `allowed` or `denied` seconds. `default_allow`: what holds when there is none."""

    name = "ImagePolicyWebhook"

    def __init__(self, client: ReviewClient, *, allowed: float, denied: float, default_allow: bool) -> None:
        self._client = client
        self._seconds = {True: allowed, False: denied}
        self._default_allow = default_allow
        self._answers: Remembered[Object] = Remembered(_REMEMBERED)

    @classmethod
    def of(cls, configurations: Configurations) -> "ImagePolicyWebhook":
        found = configurations.raw(cls.name)
        if not isinstance(found, dict):
            raise failure(cls.name, "no config specified")
        config = found.get("imagePolicy") or {}
        pause, allowed, denied = (_seconds(field, config.get(field) or 0) for field in _TIMES)
        try:
            client = ReviewClient.from_kubeconfig(Path(config.get("kubeConfigFile") or ""), pause=pause)
        except ConfigError as error:
            raise failure(cls.name, str(error)) from None
        return cls(client, allowed=allowed, denied=denied, default_allow=bool(config.get("defaultAllow")))

    def handles(self, attrs: Attributes) -> bool:
        is_pod = attrs.is_resource("", "pods") or attrs.is_resource("", "pods", "ephemeralcontainers")
        return is_pod and attrs.operation in ("CREATE", "UPDATE")

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        question = spec_of(attrs)
        key = orjson.dumps(question)
        status = self._answers.get(key)
        if status is None:
            review = {"kind": "ImageReview", "apiVersion": _GROUP, "metadata": {}, "spec": question}
            try:
                status = await self._client.ask({**review, "status": {"allowed": False}})
            except WebhookError as error:
                if not self._default_allow:
                    raise attrs.forbid(str(error)) from None
                attrs.annotations[f"{_AUDIT}failed-open"] = "true"
                meta.set_annotation(attrs.obj, _FAILED_OPEN, "true")
                return
            self._answers.put(key, status, self._seconds[bool(status.get("allowed"))])
        for name, value in (status.get("auditAnnotations") or {}).items():
            attrs.annotations[_AUDIT + name] = value
        if not status.get("allowed"):
            reason = status.get("reason")
            denied = f"image policy webhook backend denied one or more images: {reason}"
            raise attrs.forbid(denied if reason else "one or more images rejected by webhook backend")

    async def close(self) -> None:
        await self._client.close()


def spec_of(attrs: Attributes) -> Object:
    """What the server is asked: the images, and those annotations that are for it."""
    pod = attrs.obj or {}
    spec = pod.get("spec") or {}
    fields = ("ephemeralContainers",) if attrs.subresource else ("containers", "initContainers")
    images = [{"image": container.get("image") or ""} for field in fields for container in spec.get(field) or ()]
    ours = {key: value for key, value in meta.annotations(pod).items() if _OURS in key}
    question = {"containers": images, "annotations": ours, "namespace": attrs.namespace}
    return {field: value for field, value in question.items() if value}


def _seconds(field: str, given: int) -> float:
    unit, default, least, most = _TIMES[field]
    if given in (-1, 0):
        return 0.0 if given else default
    if not least <= given * unit <= most:
        bounds = f"{format_duration(least)} and {format_duration(most)}"
        told = f"valid value is between {bounds}, got {format_duration(given * unit)}"
        raise failure(ImagePolicyWebhook.name, told)
    return given * unit
