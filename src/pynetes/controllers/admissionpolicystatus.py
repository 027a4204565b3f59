"""validatingadmissionpolicy-status-controller: warns in a policy's status of what the kinds it is for do not have."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis.admissionregistration.typechecking import built_in_schema, check
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS, VALIDATING_ADMISSION_POLICIES
from pynetes.apis.registry import by_gvr
from pynetes.client.informer import Informer
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]


class AdmissionPolicyStatusController(BaseController):
    name = "validatingadmissionpolicy-status-controller"
    queue_name = "validatingadmissionpolicy-status"
    account = "validatingadmissionpolicy-status-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.policies = self.informer(VALIDATING_ADMISSION_POLICIES)
        self.kinds = ServedKinds(self.informer(CUSTOM_RESOURCE_DEFINITIONS))
        self.policies.add_handler(self._changed, lambda old, new: self._changed(new))

    def _changed(self, policy: Object) -> None:
        self.queue.add(meta.key(policy))

    async def sync(self, key: str) -> None:
        policy = self.policies.get(key)
        if policy is None:
            return
        generation = policy["metadata"].get("generation") or 0
        status = policy.get("status") or {}
        if generation <= (status.get("observedGeneration") or 0):
            return
        warnings = check(policy, self.kinds)
        checked = {"expressionWarnings": warnings} if warnings else {}
        status = {**status, "observedGeneration": generation, "typeChecking": checked}
        await self.client.update_status(VALIDATING_ADMISSION_POLICIES, {**policy, "status": status})


class ServedKinds:
    """Built-in kinds, and those of definitions."""

    def __init__(self, definitions: Informer) -> None:
        self._definitions = definitions

    def kind_of(self, resource: GroupVersionResource) -> GroupVersionKind | None:
        known = by_gvr(resource)
        if known is not None:
            return known.gvk
        definition = self._definitions.get(f"{resource.resource}.{resource.group}")
        if definition is None or _version(definition, resource.version) is None:
            return None
        return GroupVersionKind(resource.group, resource.version, definition["spec"]["names"]["kind"])

    def schema_of(self, kind: GroupVersionKind) -> Object | None:
        built_in = built_in_schema(kind)
        if built_in is not None:
            return built_in
        for definition in self._definitions.list():
            spec = definition["spec"]
            version = _version(definition, kind.version)
            if version is not None and (spec["group"], spec["names"]["kind"]) == (kind.group, kind.kind):
                schema: Object | None = (version.get("schema") or {}).get("openAPIV3Schema")
                return schema
        return None


def _version(definition: Object, name: str) -> Object | None:
    versions: list[Object] = definition["spec"]["versions"]
    return next((each for each in versions if each["name"] == name and each.get("served")), None)
