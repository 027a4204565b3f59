"""CustomResourceDefinition."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.structural.nodes import is_known_format, walk
from pynetes.apis.apiextensions import internal
from pynetes.apis.apiextensions.definition_validation import is_established, validate_definition, validate_names
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, Object, Strategy
from pynetes.apis.webhook_address import default_service


class CustomResourceDefinitionStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True
    qualified_finalizers = False
    maintains_generation = True
    allow_unconditional_update = False
    name_rule = staticmethod(names.dns1123_subdomain)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        named = spec.setdefault("names", {})
        kind = named.get("kind") or ""
        if not named.get("singular"):
            named["singular"] = kind.lower()
        if not named.get("listKind") and kind:
            named["listKind"] = f"{kind}List"
        if spec.get("conversion") is None:
            spec["conversion"] = {"strategy": "None"}
        default_service((spec["conversion"].get("webhook") or {}).get("clientConfig"))
        status = obj.get("status") or {}
        if not status.get("storedVersions"):
            storage = _storage_version(obj)
            if storage is not None:
                obj["status"] = {**status, "storedVersions": [storage]}

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}}
        _note_storage_version(obj)

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)
        _note_storage_version(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_definition(found, obj)
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_names(found, (obj.get("status") or {}).get("acceptedNames") or {}, "status.acceptedNames")
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        known = unrecognized_formats(old["spec"]) if old is not None else []
        return [f'unrecognized format "{form}"' for form in unrecognized_formats(obj["spec"]) if form not in known]

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_definition(found, obj, old)
        spec, before = obj["spec"], old["spec"]
        if is_established(old):  # objects may be stored
            found.immutable("spec.scope", spec.get("scope"), before.get("scope"))
            found.immutable("spec.names.kind", spec["names"].get("kind"), before["names"].get("kind"))
        found.immutable("spec.group", spec.get("group"), before.get("group"))
        found.immutable("spec.names.plural", spec["names"].get("plural"), before["names"].get("plural"))
        return found


def unrecognized_formats(spec: Object) -> list[str]:
    """Formats in schemas that nothing enforces, as often as they stand there."""
    return [
        node["format"]
        for place in internal.places(spec, "schema")
        for node in walk(place.value.get("openAPIV3Schema") or {})
        if node.get("format") and not is_known_format(node["format"], (node["type"],) if node.get("type") else ("",))
    ]


def _storage_version(definition: Object) -> str | None:
    versions = definition["spec"].get("versions") or ()
    return next((v.get("name") or "" for v in versions if v.get("storage")), None)


def _note_storage_version(definition: Object) -> None:
    storage = _storage_version(definition)
    status = definition.get("status") or {}
    stored = status.get("storedVersions") or []
    if storage and storage not in stored:
        definition["status"] = {**status, "storedVersions": [*stored, storage]}
