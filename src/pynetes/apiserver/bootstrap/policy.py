"""Brings roles and bindings to upstream's default policy."""

import asyncio

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authorization.bootstrap import reconcile
from pynetes.apiserver.authorization.bootstrap.reconcile import Action
from pynetes.apiserver.registry.registry import Registry
from pynetes.client.rest import Client

#: So many writes at once share the store's commits: one after another, each would wait for the disk.
_AT_ONCE = 32


async def roles(client: Client, registry: Registry) -> None:
    """What is missing is added; conflicts with another server's writes are settled by looking again."""
    actions = reconcile.plan(lambda gvr, namespace, name: registry.cached_get(gvr, name, namespace))
    for first in range(0, len(actions), _AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for action in actions[first : first + _AT_ONCE]:
                group.create_task(_apply(client, action))


async def _apply(client: Client, action: Action) -> None:
    metadata = action.obj["metadata"]
    namespace = metadata.get("namespace")
    try:
        if action.operation == "update":
            await client.update(action.gvr, action.obj)
            return
        if action.operation == "recreate":
            await client.delete(action.gvr, metadata["name"], namespace)
        await client.create(action.gvr, action.obj, namespace)
    except StatusError as error:
        if error.reason not in ("AlreadyExists", "Conflict", "NotFound"):
            raise
