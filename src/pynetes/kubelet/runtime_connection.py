"""The way to the container runtime: its services over CRI, once it answers."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from pynetes.component import clock
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.cri.channel import Channel, CRIError
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.runtime_state import RuntimeState

log = logging.getLogger(__name__)

_PAUSE = 0.2  # seconds between two questions to a runtime that does not answer yet


class Runtime(Struct, frozen=True):
    name: str
    channel: Channel
    service: RuntimeService
    images: ImageService
    state: RuntimeState


@asynccontextmanager
async def connected(config: KubeletConfig) -> AsyncIterator[Runtime]:
    """Waits as long as it takes until the runtime answers."""
    async with AsyncExitStack() as stack:
        channel = images = Channel(config.container_runtime_endpoint)
        stack.push_async_callback(channel.close)
        if config.image_service_endpoint:
            images = Channel(config.image_service_endpoint)
            stack.push_async_callback(images.close)
        service = RuntimeService(channel, timeout=config.runtime_request_timeout)
        image_service = ImageService(images, timeout=config.runtime_request_timeout)
        yield Runtime(await _name(service), channel, service, image_service, RuntimeState(service))


async def _name(service: RuntimeService) -> str:
    while True:
        try:
            return (await service.version()).runtime_name
        except CRIError as error:
            log.info("waiting for the container runtime: %s", error)
            await clock.sleep(_PAUSE)
