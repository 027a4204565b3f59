"""Which policies a request is meant for, through which bindings and with which parameters."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apiserver.admission.attributes import Attributes
from pynetes.apiserver.admission.expressions.activation import Activation
from pynetes.apiserver.admission.matching import Match, namespace_of
from pynetes.apiserver.admission.policies.params import ConfigurationError, Params
from pynetes.apiserver.admission.policies.sources import Binding, Policy
from pynetes.apiserver.admission.versions import Versions
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.registry.registry import Registry

Object = dict[str, Any]
E = TypeVar("E")

_OWN = ("validatingadmissionpolicies", "mutatingadmissionpolicies")
_OWN_BINDINGS = ("validatingadmissionpolicybindings", "mutatingadmissionpolicybindings")
#: Nothing but questions, which a cluster could not do without.
_QUESTIONS = frozenset(
    (
        *(("authentication.k8s.io", "selfsubjectreviews"), ("authentication.k8s.io", "tokenreviews")),
        *(("authorization.k8s.io", "localsubjectaccessreviews"), ("authorization.k8s.io", "selfsubjectaccessreviews")),
        *(("authorization.k8s.io", "selfsubjectrulesreviews"), ("authorization.k8s.io", "subjectaccessreviews")),
        *(("admissionregistration.k8s.io", each) for each in (*_OWN, *_OWN_BINDINGS)),
    )
)


def is_governed(attrs: Attributes) -> bool:
    """Whether policies may be asked about such a request at all."""
    return (attrs.gvr.group, attrs.gvr.resource) not in _QUESTIONS


class Invocation(Struct, Generic[E]):
    """One evaluation of a policy."""

    policy: Policy[E]
    binding: Binding
    match: Match
    params: Object | None


class Misconfiguration(Struct, Generic[E]):
    """A policy (or a binding of it) that is meant but cannot work."""

    policy: Policy[E]
    binding: Binding | None
    why: str

    def __str__(self) -> str:
        return f"failed to configure {'policy' if self.binding is None else 'binding'}: {self.why}"


class Selector:
    def __init__(self, registry: Registry, versions: Versions, authorizer: Authorizer) -> None:
        self._registry = registry
        self._params = Params(registry, versions)
        self._authorizer = authorizer
        self.versions = versions

    async def select(
        self, attrs: Attributes, policies: Sequence[Policy[E]]
    ) -> list[Invocation[E] | Misconfiguration[E]]:
        """In the order of policies, then of bindings."""
        found: list[Invocation[E] | Misconfiguration[E]] = []
        for policy in policies:
            try:
                match = await policy.matcher.match(attrs, self._registry, self.versions)
                if match is None:
                    continue
                resource = self._params.resource(policy)
            except (ConfigurationError, StatusError) as error:
                found.append(Misconfiguration(policy, None, str(error)))
                continue
            for binding in policy.bindings:
                try:
                    if await binding.matcher.match(attrs, self._registry, self.versions) is None:
                        continue
                    collected = await self._params.collect(binding, resource, attrs.namespace)
                except (ConfigurationError, StatusError, ValueError) as error:
                    found.append(Misconfiguration(policy, binding, str(error)))
                    continue
                found += [Invocation(policy, binding, match, params) for params in collected]
        return found

    async def activation(self, attrs: Attributes, invocation: Invocation[E], made: dict[Any, Any]) -> Activation:
        """What the invocation's expressions see. `made` keeps, for one request, what several can use.

        StatusError if the request's namespace is gone, ValueError if its objects have no such version.
        """
        kind = invocation.match.kind
        if kind not in made:
            made[kind] = (
                await self.versions.convert(attrs.obj, kind),
                await self.versions.convert(attrs.old, kind),
            )
        if "namespace" not in made:
            made["namespace"] = await self._namespace(attrs)
        obj, old = made[kind]
        return Activation(
            *(attrs, kind, invocation.match.resource, obj, old, self._authorizer),
            namespace=made["namespace"],
            params=invocation.params,
        )

    async def _namespace(self, attrs: Attributes) -> Object | None:
        """A namespace is not in itself."""
        if attrs.kind == GroupVersionKind("", "v1", "Namespace"):
            return None
        return await namespace_of(attrs, self._registry)
