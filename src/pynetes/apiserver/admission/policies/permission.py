"""Nobody lets a policy read for him what he may not read: parameters are told by its messages.

Upstream checks this in the registry of the four kinds; here it takes part as one of the first admission plugins.
"""

from typing import Any

from msgspec.structs import replace

from pynetes.apimachinery.errors import StatusError, field_forbidden, invalid
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource, split_api_version
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.versions import Versions
from pynetes.apiserver.authentication.user import PRIVILEGED, UserInfo
from pynetes.apiserver.authorization.attributes import Attributes as Asked
from pynetes.apiserver.authorization.attributes import Authorizer, decide
from pynetes.apiserver.registry.registry import Registry

Object = dict[str, Any]

_GROUP = "admissionregistration.k8s.io"
_POLICIES = ("validatingadmissionpolicies", "mutatingadmissionpolicies")
#: By resource: that of the policies which its bindings name.
_BINDINGS = {"validatingadmissionpolicybindings": _POLICIES[0], "mutatingadmissionpolicybindings": _POLICIES[1]}


class ParameterPermission(Plugin):
    name = "ParameterPermission"

    def __init__(self, registry: Registry, versions: Versions, authorizer: Authorizer) -> None:
        self._registry = registry
        self._versions = versions
        self._authorizer = authorizer

    def handles(self, attrs: Attributes) -> bool:
        return (
            attrs.gvr.group == _GROUP
            and attrs.operation in ("CREATE", "UPDATE")
            and not attrs.subresource
            and (attrs.gvr.resource in _POLICIES or attrs.gvr.resource in _BINDINGS)
            and PRIVILEGED not in attrs.user.groups
        )

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        new, old = attrs.obj.get("spec") or {}, (attrs.old or {}).get("spec") or {}
        binding = attrs.gvr.resource in _BINDINGS
        field, watched = ("paramRef", ("paramRef", "policyName")) if binding else ("paramKind", ("paramKind",))
        if new.get(field) is None or (attrs.old is not None and all(new.get(key) == old.get(key) for key in watched)):
            return
        why = await (self._of_binding(attrs, new) if binding else self._of_policy(attrs.user, new["paramKind"]))
        if why:
            raise _refusal(attrs, field, why)

    def _asked(self, user: UserInfo, kind: Object | None) -> tuple[Asked, bool]:
        """A question about objects of the kind, about all that there is as far as nobody knows it; whether it is
        known."""
        asked = Asked(user, "get", "*", "*", "*", namespace="*", name="*")
        if kind is None:
            return asked, True
        group, version = split_api_version(kind.get("apiVersion") or "")
        found = self._versions.resource_of(GroupVersionKind(group, version, kind.get("kind") or ""))
        resource = found.plural if found is not None else "*"
        return replace(asked, group=group, version=version, resource=resource), found is not None

    async def _of_policy(self, user: UserInfo, kind: Object) -> str:
        asked, _ = self._asked(user, kind)
        if (await decide(self._authorizer, asked)).allowed:
            return ""
        which = f"kind={kind.get('kind') or ''}, apiVersion={kind.get('apiVersion') or ''}"
        return f'user {shown(user)} must have "get" permission on all objects of the referenced paramKind ({which})'

    async def _of_binding(self, attrs: Attributes, spec: Object) -> str:
        reference, name = spec["paramRef"], spec.get("policyName") or ""
        policies = GroupVersionResource(_GROUP, "v1", _BINDINGS[attrs.gvr.resource])
        policy = self._registry.cached_get(policies, name)
        kind = ((policy or {}).get("spec") or {}).get("paramKind")
        asked, known = self._asked(attrs.user, kind)
        verb = "get" if reference.get("name") else "list"
        within, named = reference.get("namespace") or "", reference.get("name") or ""
        if (await decide(self._authorizer, replace(asked, verb=verb, namespace=within, name=named))).allowed:
            return ""
        user = shown(attrs.user)
        needed = f'to determine minimum required permissions and user {user} does not have "{verb}" permission'
        everything = "for all groups, versions and resources"
        if policy is None:
            return f"unable to get policy {name} {needed} {everything}"
        if not known:
            return f"unable to resolve paramKind {kind} {needed} {everything}"
        if policies.resource == _POLICIES[1]:
            # Upstream has them in this order.
            return f'user {verb} does not have "{user}" permission on the object referenced by paramRef'
        return f'user {user} does not have "{verb}" permission on the object referenced by paramRef'


def shown(user: UserInfo) -> str:
    """An identity as Go prints it."""
    extra = " ".join(f"{key}:[{' '.join(values)}]" for key, values in sorted(user.extra.items()))
    return f"&{{{user.name} {user.uid} [{' '.join(user.groups)}] map[{extra}]}}"


def _refusal(attrs: Attributes, field: str, why: str) -> StatusError:
    return invalid(attrs.kind.kind, _GROUP, attrs.name, [field_forbidden(f"spec.{field}", why)])
