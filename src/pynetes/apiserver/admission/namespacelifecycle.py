"""NamespaceLifecycle: nothing is created in a namespace that does not exist or is ending."""

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NAMESPACES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin

_IMMORTAL = frozenset(("default", "kube-system", "kube-public"))


class NamespaceLifecycle(Plugin):
    name = "NamespaceLifecycle"
    asks_only_kind = True

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation != "CONNECT"

    async def admit(self, attrs: Attributes) -> None:
        is_namespace = attrs.gvr.resource == "namespaces" and not attrs.gvr.group
        if attrs.operation == "DELETE":
            if is_namespace and attrs.name in _IMMORTAL:
                raise attrs.forbid("this namespace may not be deleted")
            return
        if is_namespace or not attrs.namespace or _is_access_review(attrs):
            return
        namespace = self._objects.cached_get(NAMESPACES, attrs.namespace)
        if namespace is None:
            # Memory may be a moment behind; the namespace's own 404 is the answer otherwise.
            namespace = await self._objects.get(NAMESPACES, attrs.namespace)
        if attrs.operation == "CREATE" and (namespace.get("status") or {}).get("phase") == "Terminating":
            raise _terminating(attrs)


def _is_access_review(attrs: Attributes) -> bool:
    return attrs.gvr.group == "authorization.k8s.io" and attrs.gvr.resource == "localsubjectaccessreviews"


def _terminating(attrs: Attributes) -> StatusError:
    where = attrs.namespace
    error = attrs.forbid(f"unable to create new content in namespace {where} because it is being terminated")
    error.details["causes"] = [
        {
            "reason": "NamespaceTerminating",
            "message": f"namespace {where} is being terminated",
            "field": "metadata.namespace",
        }
    ]
    return error
