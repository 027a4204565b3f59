"""Makes sure that a container's image, or an image volume's, is on the node, as its pull policy says.

Events, reasons and messages are upstream's: users and tools match on them.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pynetes.apimachinery import times
from pynetes.component import clock
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.images import keyring, reference
from pynetes.kubelet.images.backoff import Backoff
from pynetes.kubelet.images.keyring import Credential
from pynetes.kubelet.images.pull_records import PullRecords
from pynetes.kubelet.images.puller import Puller, PullFailed
from pynetes.kubelet.images.result import ImageError, ImageRef

log = logging.getLogger(__name__)

#: (pod, container, type, reason, message) → an event about the container; container None: about the pod.
ContainerEvent = Callable[[dict[str, Any], dict[str, Any] | None, str, str, str], None]
#: (namespace, name) → the Secret or None.
SecretGetter = Callable[[str, str], Awaitable[dict[str, Any] | None]]

_KNOWN_FAILURES = {
    "RegistryUnavailable": "the registry is unavailable",
    "SignatureValidationFailed": "the signature validation failed",
}


class ImageManager:
    def __init__(
        self,
        image_service: ImageService,
        *,
        event: ContainerEvent,
        secret: SecretGetter,
        serialize: bool = True,
        max_parallel_pulls: int | None = None,
        qps: float = 0,
        burst: int = 10,
        node_credentials: Path | None = None,
        records: Path | None = None,
    ) -> None:
        """`node_credentials` is a Docker config.json, read at each pull; `records` a directory for who may use which
        private image (without it, whoever finds an image may use it)."""
        self._service = image_service
        self._event = event
        self._secret = secret
        self._puller = Puller(image_service, parallel=1 if serialize else max_parallel_pulls, qps=qps, burst=burst)
        self._node_credentials = node_credentials
        self.records = PullRecords(records) if records else None
        self._backoff = Backoff()
        self._last_failure: dict[str, str] = {}

    async def ensure_image(
        self, pod: dict[str, Any], container: dict[str, Any], *, runtime_handler: str = "", sandbox_config: Any = None
    ) -> ImageRef:
        """The image's reference; pulls it where the policy says so. Raises ImageError."""
        requested, policy = container.get("image") or "", container.get("imagePullPolicy")
        return await self._ensure(pod, container, requested, policy, runtime_handler, sandbox_config)

    async def ensure_volume_image(
        self,
        pod: dict[str, Any],
        source: Mapping[str, Any],
        *,
        runtime_handler: str = "",
        sandbox_config: Any = None,
    ) -> ImageRef:
        """The same for an image volume's source; what happens is told of the pod. Raises ImageError."""
        requested, policy = source.get("reference") or "", source.get("pullPolicy")
        return await self._ensure(pod, None, requested, policy, runtime_handler, sandbox_config)

    async def _ensure(
        self,
        pod: dict[str, Any],
        container: dict[str, Any] | None,
        requested: str,
        policy: str | None,
        runtime_handler: str,
        sandbox_config: Any,
    ) -> ImageRef:
        policy = policy or reference.default_pull_policy(requested)
        try:
            image = reference.with_default_tag(requested)
        except ValueError as error:
            message = f'Failed to apply default image tag "{requested}": {error}'
            self._event(pod, container, "Warning", "InspectFailed", message)
            raise ImageError("InvalidImageName", message) from None
        present = "" if policy == "Always" else await self._present(pod, container, image)
        if not present and policy == "Never":
            raise self._never(pod, container, requested)
        credentials: list[Credential] | None = None
        if present:
            credentials = await self._credentials_if_private(pod, image)
            if credentials is None or (self.records and self.records.may_use(image, credentials)):
                message = f'Container image "{requested}" already present on machine and can be accessed by the pod'
                self._event(pod, container, "Normal", "Pulled", message)
                return ImageRef(present, message)
            if policy == "Never":
                raise self._never(pod, container, requested)
        if credentials is None:
            credentials = await self._credentials(pod, image)
        return await self._pull(pod, container, requested, image, credentials, runtime_handler, sandbox_config)

    async def _present(self, pod: dict[str, Any], container: dict[str, Any] | None, image: str) -> str:
        try:
            status = await self._service.image_status(image)
        except CRIError as error:
            message = f'Failed to inspect image "": {error}'
            self._event(pod, container, "Warning", "InspectFailed", message)
            raise ImageError("ImageInspectError", message) from None
        return status.id if status else ""

    def _never(self, pod: dict[str, Any], container: dict[str, Any] | None, requested: str) -> ImageError:
        message = f'Container image "{requested}" is not present with pull policy of Never'
        self._event(pod, container, "Warning", "ErrImageNeverPull", message)
        return ImageError("ErrImageNeverPull", message)

    async def _credentials_if_private(self, pod: dict[str, Any], image: str) -> list[Credential] | None:
        """None if any pod may use the image that is there."""
        if self.records is None or self.records.may_use(image, ()):
            return None
        return await self._credentials(pod, image)

    async def _credentials(self, pod: dict[str, Any], image: str) -> list[Credential]:
        repository = reference.parse(image).repository
        found: list[Credential] = []
        secrets = await self._pull_secrets(pod)
        try:
            found += keyring.from_secrets(secrets).lookup(repository)
        except ValueError as error:
            raise ImageError("ErrImagePull", str(error)) from None
        if self._node_credentials is not None:
            found += keyring.node_keyring(self._node_credentials).lookup(repository)
        return found

    async def _pull_secrets(self, pod: dict[str, Any]) -> list[dict[str, Any]]:
        names = [ref["name"] for ref in pod["spec"].get("imagePullSecrets") or () if ref.get("name")]
        secrets, missing = [], []
        for name in names:
            try:
                secret = await self._secret(pod["metadata"]["namespace"], name)
            except Exception as error:
                log.warning("pull secret %s of %s cannot be read: %s", name, pod["metadata"]["name"], error)
                secret = None
            if secret is None:
                missing.append(name)
            else:
                secrets.append(secret)
        if missing:
            message = (
                f"Unable to retrieve some image pull secrets ({', '.join(missing)}); attempting to pull the image "
                "may not succeed."
            )
            self._event(pod, None, "Warning", "FailedToRetrieveImagePullSecret", message)
        return secrets

    async def _pull(
        self,
        pod: dict[str, Any],
        container: dict[str, Any] | None,
        requested: str,
        image: str,
        credentials: Sequence[Credential],
        runtime_handler: str,
        sandbox_config: Any,
    ) -> ImageRef:
        key = f"{pod['metadata']['uid']}_{requested}"
        if self._backoff.active(key):
            message = f'Back-off pulling image "{requested}"'
            self._event(pod, container, "Normal", "BackOff", message)
            previous = self._last_failure.get(key)
            raise ImageError("ImagePullBackOff", f"{message}: {previous}" if previous else message)
        self._last_failure.pop(key, None)
        self._event(pod, container, "Normal", "Pulling", f'Pulling image "{requested}"')
        if self.records:
            self.records.intend(image)
        started = clock.monotonic()
        try:
            pulled = await self._puller.pull(
                image, credentials, sandbox_config=sandbox_config, runtime_handler=runtime_handler
            )
        except PullFailed as error:
            if self.records:
                self.records.failed(image)
            self._event(pod, container, "Warning", "Failed", f'Failed to pull image "{requested}": {error}')
            self._backoff.fail(key)
            failure = _image_error(requested, str(error))
            self._last_failure[key] = f"{failure.reason}: {failure.message}"
            raise failure from None
        if self.records:
            self.records.pulled(image, pulled.credential)
        self._backoff.collect()
        message = (
            f'Successfully pulled image "{requested}" in {_milliseconds(pulled.duration)} '
            f"({_milliseconds(clock.monotonic() - started)} including waiting). Image size: {pulled.size} bytes."
        )
        self._event(pod, container, "Normal", "Pulled", message)
        return ImageRef(pulled.ref, message)

    def forget_pod(self, uid: str) -> None:
        """The pod is gone: its failures need not be remembered."""
        for key in [key for key in self._last_failure if key.startswith(f"{uid}_")]:
            del self._last_failure[key]


def _image_error(requested: str, text: str) -> ImageError:
    for reason, why in _KNOWN_FAILURES.items():
        if text.startswith(reason):
            return ImageError(reason, f"image pull failed for {requested} because {why}{text.removeprefix(reason)}")
    return ImageError("ErrImagePull", text)


def _milliseconds(seconds: float) -> str:
    return times.format_duration(int(seconds * 1000) / 1000)
