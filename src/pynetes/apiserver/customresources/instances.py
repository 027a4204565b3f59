"""Deletes the objects of a definition that is being deleted."""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apiserver.authentication.user import LOOPBACK_USER
from pynetes.apiserver.options import DeleteOptions
from pynetes.apiserver.registry.collection import delete_collection
from pynetes.apiserver.registry.context import Unchecked, WriteContext
from pynetes.apiserver.registry.resource import ResourceStore

Object = dict[str, Any]


def context_of(gvr: GroupVersionResource, kind: GroupVersionKind) -> WriteContext:
    return WriteContext(LOOPBACK_USER, gvr, kind, Unchecked())


class InstanceDeletionFailed(Exception):
    """The text is that of the condition."""


async def delete_instances(rs: ResourceStore) -> int:
    """Asks all objects to go; how many are left. InstanceDeletionFailed."""
    ctx = context_of(rs.resource.gvr, rs.resource.gvk)
    try:
        found = await rs.cacher.list()
    except StatusError as error:
        raise InstanceDeletionFailed(f"could not list instances: {error}") from None
    try:
        await delete_collection(rs, ctx, found, DeleteOptions())
        left = await rs.cacher.list()
    except StatusError as error:
        raise InstanceDeletionFailed(f"could not issue all deletes: {error}") from None
    return len(left.entries)
