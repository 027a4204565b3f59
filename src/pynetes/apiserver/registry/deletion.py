"""Which kinds end in a way of their own; all others by the generic delete."""

from collections.abc import Awaitable, Callable, Mapping

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from pynetes.apiserver.options import DeleteOptions
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.definitions import delete_definition
from pynetes.apiserver.registry.delete import Deleted, delete
from pynetes.apiserver.registry.namespaces import delete_namespace
from pynetes.apiserver.registry.resource import ResourceStore

_OWN: Mapping[
    GroupVersionResource, Callable[[ResourceStore, WriteContext, str, str, DeleteOptions], Awaitable[Deleted]]
] = {
    NAMESPACES: delete_namespace,
    CUSTOM_RESOURCE_DEFINITIONS: delete_definition,
}


async def delete_object(
    rs: ResourceStore, ctx: WriteContext, namespace: str, name: str, options: DeleteOptions
) -> Deleted:
    """As `registry.delete.delete`, by the rules of the object's kind."""
    return await _OWN.get(rs.resource.gvr, delete)(rs, ctx, namespace, name, options)
