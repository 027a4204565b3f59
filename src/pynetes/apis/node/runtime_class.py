"""RuntimeClass."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_labels
from pynetes.apis.core.resource_requirements import validate_resource_requirements
from pynetes.apis.core.scheduling_validation import validate_tolerations
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.strategy import Object, Strategy


class RuntimeClassStrategy(Strategy):
    qualified_finalizers = False
    allow_create_on_update = True
    allow_unconditional_update = False

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        found.required_rule("handler", obj.get("handler"), names.dns1123_label)
        overhead = obj.get("overhead")
        if overhead is not None:
            limits = {"limits": overhead.get("podFixed") or {}}
            validate_resource_requirements(found, limits, frozenset(), "overhead")
        scheduling = obj.get("scheduling") or {}
        found += validate_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector")
        _tolerations(found, scheduling.get("tolerations") or [], "scheduling.tolerations")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable("handler", obj.get("handler") or "", old.get("handler"))
        return found


def _tolerations(found: FieldErrors, tolerations: list[Object], path: str) -> None:
    validate_tolerations(found, tolerations, path)
    seen: list[Object | None] = []
    for index, toleration in enumerate(tolerations):
        key = go_struct(toleration, Key="", Operator="", Value="", Effect="")
        if key in seen:
            shown = {**(key or {}), "TolerationSeconds": toleration.get("tolerationSeconds")}
            found.duplicate(f"{path}[{index}]", shown)
        seen.append(key)
