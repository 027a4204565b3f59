"""NamespaceExists and NamespaceAutoProvision: a namespace must be there, or is made when it is first used."""

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NAMESPACES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin
from pynetes.apiserver.objects import find
from pynetes.client.rest import Client


def _is_in_namespace(attrs: Attributes) -> bool:
    return bool(attrs.namespace) and attrs.kind.kind != "Namespace"


class NamespaceExists(Plugin):
    name = "NamespaceExists"

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation in ("CREATE", "UPDATE", "DELETE") and _is_in_namespace(attrs)

    async def validate(self, attrs: Attributes) -> None:
        await find(self._objects, NAMESPACES, attrs.namespace)


class NamespaceAutoProvision(Plugin):
    name = "NamespaceAutoProvision"

    def __init__(self, objects: Objects, client: Client) -> None:
        self._objects = objects
        self._client = client

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and not attrs.dry_run and _is_in_namespace(attrs)

    async def admit(self, attrs: Attributes) -> None:
        if self._objects.cached_get(NAMESPACES, attrs.namespace) is not None:
            return
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": attrs.namespace}}
        try:
            await self._client.create(NAMESPACES, namespace)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise attrs.forbid(error.message) from None
