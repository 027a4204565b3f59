"""ReplicaSet."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.apps.workload import validate_selector, validate_template, workload_warnings
from pynetes.apis.core.disabled_pod_fields import disabled_in
from pynetes.apis.core.pod_spec_defaults import default_pod_template
from pynetes.apis.core.replication_controller import validate_replica_counts
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, Object, Strategy


class ReplicaSetStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True
    maintains_generation = True

    drop_disabled_fields = staticmethod(disabled_in("spec", "template"))

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("replicas") is None:
            spec["replicas"] = 1
        default_pod_template(spec.setdefault("template", {}))

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"replicas": 0}

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        found.non_negative("spec.replicas", spec.get("replicas"))
        found.non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
        selector = spec.get("selector")
        validate_selector(found, selector, "deployment")
        validate_template(found, spec.get("template") or {}, selector, "ReplicaSet")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable("spec.selector", obj["spec"].get("selector"), old["spec"].get("selector"))
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_replica_counts(obj.get("status") or {}, "terminatingReplicas")

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        return workload_warnings(obj, old)
