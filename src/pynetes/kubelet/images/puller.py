"""Pulls images: how many at a time, how often, and with which credentials."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pynetes.component import clock
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.images.keyring import Credential


class PullFailed(Exception):
    """No credential led to the image; the text is the runtime's."""


class Pulled(Struct, frozen=True):
    ref: str
    size: int
    #: Seconds of the pull itself, without waiting for its turn.
    duration: float
    credential: Credential | None


class _TokenBucket:
    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._updated = float(burst), clock.monotonic()

    def take(self) -> bool:
        now = clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Puller:
    """`parallel` pulls run at once (1 is serial, None without bound); beyond `qps` with `burst` a pull fails."""

    def __init__(self, service: ImageService, *, parallel: int | None, qps: float = 0, burst: int = 10) -> None:
        self._service = service
        self._turns = asyncio.Semaphore(parallel) if parallel else None
        self._bucket = _TokenBucket(qps, burst) if qps else None

    async def pull(
        self, image: str, credentials: Sequence[Credential], *, sandbox_config: Any = None, runtime_handler: str = ""
    ) -> Pulled:
        """Raises PullFailed."""
        if self._turns is None:
            return await self._pull(image, credentials, sandbox_config, runtime_handler)
        async with self._turns:
            return await self._pull(image, credentials, sandbox_config, runtime_handler)

    async def _pull(
        self, image: str, credentials: Sequence[Credential], sandbox_config: Any, runtime_handler: str
    ) -> Pulled:
        if self._bucket is not None and not self._bucket.take():
            raise PullFailed("pull QPS exceeded")
        errors: list[str] = []
        started = clock.monotonic()
        for credential in credentials or (None,):
            try:
                ref = await self._service.pull_image(
                    image,
                    auth=_auth(credential),
                    sandbox_config=sandbox_config,
                    runtime_handler=runtime_handler,
                )
            except CRIError as error:
                errors.append(_failure(error))
                continue
            return Pulled(ref, await self._size(ref), clock.monotonic() - started, credential)
        unique = list(dict.fromkeys(errors))
        raise PullFailed(unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]")

    async def _size(self, ref: str) -> int:
        try:
            status = await self._service.image_status(ref)
        except CRIError:
            return 0
        return status.size if status else 0


def _failure(error: CRIError) -> str:
    """Runtimes put the two reasons that upstream knows at the beginning of the details."""
    if error.details.startswith(("RegistryUnavailable", "SignatureValidationFailed")):
        return error.details
    return str(error)


def _auth(credential: Credential | None) -> pb.AuthConfig | None:
    if credential is None:
        return None
    # No server address: it would bind the login to one host, and containerd refuses locations without a scheme.
    return pb.AuthConfig(
        username=credential.username,
        password=credential.password,
        identity_token=credential.identity_token,
        registry_token=credential.registry_token,
    )
