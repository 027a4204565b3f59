"""PodTemplate."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.disabled_pod_fields import disabled_in
from pynetes.apis.core.pod_spec_defaults import default_pod_template
from pynetes.apis.core.pod_template import validate_pod_template
from pynetes.apis.core.pod_warnings import template_warnings
from pynetes.apis.strategy import CHANGE, Object, Strategy


class PodTemplateStrategy(Strategy):
    update_metadata = CHANGE
    maintains_generation = True

    drop_disabled_fields = staticmethod(disabled_in("template"))

    def default(self, obj: Object) -> None:
        default_pod_template(obj.setdefault("template", {}))

    def validate(self, obj: Object) -> list[FieldError]:
        return validate_pod_template(obj.get("template"), "template")

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        if old is not None and old["metadata"].get("generation") == obj["metadata"].get("generation"):
            return []
        return template_warnings(obj.get("template"), "template")
