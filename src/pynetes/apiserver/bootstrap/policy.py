"""Brings roles and bindings to upstream's default policy."""

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authorization.bootstrap import reconcile
from pynetes.apiserver.registry.registry import Registry
from pynetes.client.rest import Client


async def roles(client: Client, registry: Registry) -> None:
    """What is missing is added; conflicts with another server's writes are settled by looking again."""
    for action in reconcile.plan(lambda gvr, namespace, name: registry.cached_get(gvr, name, namespace)):
        metadata = action.obj["metadata"]
        namespace = metadata.get("namespace")
        try:
            if action.operation == "update":
                await client.update(action.gvr, action.obj)
                continue
            if action.operation == "recreate":
                await client.delete(action.gvr, metadata["name"], namespace)
            await client.create(action.gvr, action.obj, namespace)
        except StatusError as error:
            if error.reason not in ("AlreadyExists", "Conflict", "NotFound"):
                raise
