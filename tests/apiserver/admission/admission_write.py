"""Writes as plugins see them, and what a plugin makes of one."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis.names import PODS
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.authentication.user import UserInfo

Object = dict[str, Any]


def write(
    obj: Object,
    old: Object | None = None,
    *,
    gvr: GroupVersionResource = PODS,
    kind: str = "Pod",
    subresource: str = "",
    user: str = "jane",
) -> Attributes:
    """A create, or with `old` an update, in namespace `a`."""
    obj.setdefault("metadata", {"name": "x"})
    operation = "CREATE" if old is None else "UPDATE"
    of = GroupVersionKind(gvr.group, gvr.version, kind)
    return Attributes(operation, gvr, of, "a", meta.name(obj), obj, old, UserInfo(user), subresource)


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


async def outcome(plugin: Plugin, attrs: Attributes) -> str:
    """Why it refuses; "" if it does not."""
    if plugin.handles(attrs):
        try:
            await plugin.admit(attrs)
            await plugin.validate(attrs)
        except StatusError as error:
            return f"{error.code} {error.message}"
    return ""
