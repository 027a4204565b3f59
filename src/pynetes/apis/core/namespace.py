"""Namespace. `spec.finalizers` says who must empty it before it goes; only the finalize subresource changes it."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy, take_over

KUBERNETES = "kubernetes"
NAME_LABEL = "kubernetes.io/metadata.name"
_STANDARD_FINALIZERS = (KUBERNETES, "orphan", "foregroundDeletion")


class NamespaceStrategy(Strategy):
    has_status = True
    name_rule = staticmethod(names.dns1123_label)
    selectable = frozenset(("metadata.name", "status.phase"))

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})
        self.canonicalize(obj)
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Active"

    def canonicalize(self, obj: Object) -> None:
        """Generated names are known only after defaulting."""
        name = obj["metadata"].get("name")
        if name:
            if not isinstance(obj["metadata"].get("labels"), dict):
                obj["metadata"]["labels"] = {}
            obj["metadata"]["labels"][NAME_LABEL] = name

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"phase": "Active"}
        finalizers = obj["spec"].get("finalizers") or []
        if KUBERNETES not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, KUBERNETES]

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)
        take_over(obj.setdefault("spec", {}), old.get("spec") or {}, "finalizers")

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        for finalizer in (obj.get("spec") or {}).get("finalizers") or ():
            _finalizer(found, finalizer, "spec.finalizers")
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        deleting = bool(obj["metadata"].get("deletionTimestamp"))
        expected, state = ("Terminating", "not empty") if deleting else ("Active", "empty")
        phase = (obj.get("status") or {}).get("phase") or ""
        if phase != expected:
            found.invalid("status.Phase", phase, f"may only be '{expected}' if `deletionTimestamp` is {state}")
        return found

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        name = obj["metadata"].get("name") or ""
        return {
            "metadata.name": name,
            "name": name,
            "status.phase": (obj.get("status") or {}).get("phase") or "",
        }


class FinalizeStrategy(NamespaceStrategy):
    def prepare_for_update(self, obj: Object, old: Object) -> None:
        take_over(obj, old, "status")
        obj.setdefault("spec", {})
        obj["metadata"] = {**copy(old["metadata"]), **obj["metadata"]}

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        for index, finalizer in enumerate(obj["spec"].get("finalizers") or ()):
            _finalizer(found, finalizer, f"spec.finalizers[{index}]")
        return found


def _finalizer(found: FieldErrors, name: str, path: str) -> None:
    found.rule(path, name, names.qualified_name)
    if "/" not in name and name not in _STANDARD_FINALIZERS:
        found.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified")
