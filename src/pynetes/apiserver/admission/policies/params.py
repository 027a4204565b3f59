"""Parameters: objects of the kind that a policy names, as a binding picks them."""

from typing import Any

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.selectors import from_label_selector
from pynetes.apis.resource import Resource
from pynetes.apiserver.admission.policies.sources import Binding, Policy
from pynetes.apiserver.admission.versions import Versions
from pynetes.apiserver.registry.registry import Registry

Object = dict[str, Any]

_NO_NAMESPACE = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
_NAMESPACE = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
_NOT_FOUND = "no params found for policy binding with `Deny` parameterNotFoundAction"


class ConfigurationError(Exception):
    """A policy or a binding that cannot work; the text is upstream's."""


class Params:
    def __init__(self, registry: Registry, versions: Versions) -> None:
        self._registry = registry
        self._versions = versions

    def resource(self, policy: Policy[Any]) -> Resource | None:
        """Of the policy's parameters; None if it takes none. ConfigurationError if nobody knows the kind."""
        kind = policy.spec.get("paramKind")
        if kind is None:
            return None
        gvk = GroupVersionKind.of({"apiVersion": kind.get("apiVersion") or "", "kind": kind.get("kind") or ""})
        found = self._versions.resource_of(gvk)
        if found is None or not self._registry.has(found.gvr):
            raise ConfigurationError(f"failed to find resource referenced by paramKind: '{shown(gvk)}'")
        return found

    async def collect(self, binding: Binding, resource: Resource | None, namespace: str) -> list[Object | None]:
        """The objects to evaluate the policy with, one after another: [None] is once, without any."""
        reference = binding.spec.get("paramRef")
        if resource is None or reference is None:
            return [None]
        within = self._namespace(reference, resource, namespace)
        found = self._named(reference, resource, within)
        if not found and reference.get("parameterNotFoundAction") == "Deny":
            raise ConfigurationError(_NOT_FOUND)
        return [await self._versions.convert(each, resource.gvk) for each in found]

    def _namespace(self, reference: Object, resource: Resource, namespace: str) -> str:
        named: str = reference.get("namespace") or ""
        if resource.namespaced:
            if not named and not namespace:
                raise ConfigurationError(_NO_NAMESPACE)
            return named or namespace
        if named:
            raise ConfigurationError(_NAMESPACE)
        return ""

    def _named(self, reference: Object, resource: Resource, namespace: str) -> list[Object]:
        name = reference.get("name")
        if name:
            found = self._registry.cached_get(resource.gvr, name, namespace or None)
            return [found] if found is not None else []
        selector = from_label_selector(reference.get("selector") or {})
        listed = self._registry.cached_list(resource.gvr, namespace or None)
        return [each for each in listed if selector.matches(each["metadata"].get("labels") or {})]


def shown(gvk: GroupVersionKind) -> str:
    """A kind as upstream's messages have it."""
    return f"{gvk.api_version}, Kind={gvk.kind}" if gvk.group else f"/{gvk.version}, Kind={gvk.kind}"
