"""Ties the plugins' `Sources` to the cluster; whatever cannot be read becomes a VolumeError."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pynetes.kubelet.objects import CacheError, NodeObjects
from pynetes.kubelet.tokens import TokenError, TokenManager
from pynetes.kubelet.volumes.plugin import Sources, VolumeError

R = TypeVar("R")


def from_cluster(objects: NodeObjects, tokens: TokenManager, node: Callable[[], dict[str, Any] | None]) -> Sources:
    """`node` is the kubelet's own Node object, as far as it is known."""

    async def object_of(get: Callable[[str, str], Awaitable[R]], namespace: str, name: str) -> R:
        try:
            return await get(namespace, name)
        except CacheError as error:
            raise VolumeError(str(error)) from error

    async def token(request: Any) -> Any:
        try:
            return await tokens.get(request)
        except TokenError as error:
            raise VolumeError(str(error)) from error

    return Sources(
        config_map=lambda namespace, name: object_of(objects.config_map, namespace, name),
        secret=lambda namespace, name: object_of(objects.secret, namespace, name),
        token=token,
        node=node,
    )
