"""Deleting a collection: each matching object by the rules of a single delete."""

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.cacher import Entry, Listing
from pynetes.apiserver.options import DeleteOptions
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.deletion import delete_object
from pynetes.apiserver.registry.resource import ResourceStore


async def delete_collection(rs: ResourceStore, ctx: WriteContext, found: Listing, options: DeleteOptions) -> None:
    """Not atomic: the first error ends it, as upstream's."""
    for entry in found.entries:
        await _delete_one(rs, ctx, entry, options.copy())


async def _delete_one(rs: ResourceStore, ctx: WriteContext, entry: Entry, options: DeleteOptions) -> None:
    namespace, _, name = entry.key.removeprefix(rs.prefix).rpartition("/")
    try:
        await delete_object(rs, ctx, namespace, name, options)
    except StatusError as error:
        if error.reason != "NotFound":
            raise
