"""OwnerReferencesPermissionEnforcement: nobody hands an object to an owner, or holds an owner up, without the right to.

Who changes owners must be allowed to delete the object; who makes an owner wait for it, to set the owner's finalizers.
"""

from typing import Any

from msgspec.structs import replace

from pynetes.apimachinery import meta
from pynetes.apis.equality import semantic_equal
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.authorization.attributes import Attributes as Question
from pynetes.apiserver.authorization.attributes import Authorizer, Decision, decide
from pynetes.apiserver.registry.registry import Registry

Object = dict[str, Any]


class OwnerReferencesPermissionEnforcement(Plugin):
    name = "OwnerReferencesPermissionEnforcement"

    def __init__(self, registry: Registry, authorizer: Authorizer) -> None:
        self._registry = registry
        self._authorizer = authorizer

    def handles(self, attrs: Attributes) -> bool:
        if attrs.obj is None or attrs.operation not in ("CREATE", "UPDATE") or attrs.is_resource("", "pods", "status"):
            return False
        before = meta.owner_references(attrs.old) if attrs.old is not None else []
        return not semantic_equal(meta.owner_references(attrs.obj), before)

    async def validate(self, attrs: Attributes) -> None:
        if attrs.operation != "CREATE":
            decision = await decide(self._authorizer, _deletion(attrs))
            if not decision.allowed:
                raise attrs.forbid(f"cannot set an ownerRef on a resource you can't delete: {_why(decision)}")
        blocking = newly_blocking(attrs.obj or {}, attrs.old)
        if not blocking:
            return
        anything = Question(
            attrs.user, "update", group="*", version="*", resource="*", subresource="finalizers", name="*"
        )
        if (await decide(self._authorizer, anything)).allowed:
            return
        for reference in blocking:
            await self._check_owner(attrs, anything, reference)

    async def _check_owner(self, attrs: Attributes, question: Question, reference: Object) -> None:
        version, kind = reference.get("apiVersion") or "", reference.get("kind") or ""
        found = [r for r in self._registry.resources if r.gvk.api_version == version and r.gvk.kind == kind]
        if not found:
            told = f"cannot find RESTMapping for APIVersion {version} Kind {kind}"
            no_match = f'no matches for kind "{kind}" in version "{version}"'
            raise attrs.forbid(f"cannot set blockOwnerDeletion in this case because {told}: {no_match}")
        owner = replace(
            question,
            group=found[0].gvr.group,
            version=found[0].gvr.version,
            resource=found[0].gvr.resource,
            name=reference.get("name") or "",
            namespace=attrs.namespace if found[0].namespaced else "",
        )
        decision = await decide(self._authorizer, owner)
        if not decision.allowed:
            told = "an ownerReference refers to a resource you can't set finalizers on"
            raise attrs.forbid(f"cannot set blockOwnerDeletion if {told}: {_why(decision)}")


def _deletion(attrs: Attributes) -> Question:
    return Question(
        attrs.user,
        "delete",
        group=attrs.gvr.group,
        version=attrs.gvr.version,
        resource=attrs.gvr.resource,
        subresource=attrs.subresource,
        namespace=attrs.namespace,
        name=attrs.name,
    )


def _why(decision: Decision) -> str:
    return f"{decision.reason}, {decision.error or '<nil>'}"


def newly_blocking(obj: Object, old: Object | None) -> list[Object]:
    """The references that make their owner wait, and did not before."""
    before = {each.get("uid") for each in meta.owner_references(old or {}) if each.get("blockOwnerDeletion")}
    return [
        each for each in meta.owner_references(obj) if each.get("blockOwnerDeletion") and each.get("uid") not in before
    ]
