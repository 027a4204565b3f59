"""DeviceClass."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.resource_names import is_extended
from pynetes.apis.dra.configuration import MAX_CONFIGS, validate_configuration
from pynetes.apis.dra.names_validation import validate_list
from pynetes.apis.dra.selectors import validate_selectors
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy


class DeviceClassStrategy(Strategy):
    checks_generate_name = False
    name_rule = staticmethod(names.long_name)
    maintains_generation = True

    def validate(self, obj: Object) -> list[FieldError]:
        return _validate_spec(obj.get("spec") or {}, {})

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_spec(obj.get("spec") or {}, old.get("spec") or {})


def _validate_spec(spec: Object, old: Object) -> list[FieldError]:
    found = FieldErrors()
    validate_selectors(found, spec.get("selectors") or [], "spec.selectors")
    stored = bool(old) and semantic_equal(spec.get("config"), old.get("config"))

    def config(found: FieldErrors, config: Object, path: str) -> None:
        validate_configuration(found, config, path, stored=stored)

    validate_list(found, spec.get("config") or [], MAX_CONFIGS, config, "spec.config")
    extended = spec.get("extendedResourceName")
    if extended is not None and not is_extended(extended):
        found.invalid("spec.extendedResourceName", extended, "must be a valid extended resource name")
    return found
