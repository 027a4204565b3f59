"""Validation of a CustomResourceDefinition."""

import base64
import binascii
from collections.abc import Sequence

from pynetes.apimachinery import names
from pynetes.apimachinery.structural import fieldpath
from pynetes.apimachinery.structural.nodes import Schema, walk
from pynetes.apis.apiextensions import approval, internal
from pynetes.apis.apiextensions.approval import ANNOTATION, Approval
from pynetes.apis.apiextensions.schema_validation import validate_schema
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object
from pynetes.apis.webhook_address import validate_client_config

_SCOPES = ("Cluster", "Namespaced")
_STRATEGIES = ("None", "Webhook")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_REVIEW_VERSIONS = ("v1", "v1beta1")
_SELECTABLE_TYPES = ("string", "boolean", "integer")
_MAX_SELECTABLE = 8
_MAX_WARNING = 256
_GONE = (
    "missing from spec.versions; {0} was previously a storage version, and must remain in spec.versions until a "
    "storage migration ensures no data remains persisted in {0} and removes {0} from status.storedVersions"
)


def validate_definition(found: FieldErrors, definition: Object, old: Object | None = None) -> None:
    """`old` is the definition as it was: what it had wrong it may keep wrong."""
    spec = definition["spec"]
    wanted = f"{spec['names'].get('plural') or ''}.{spec.get('group') or ''}"
    for key in ("generateName", "name") if old is None else ():
        name = definition["metadata"].get(key)
        if name and name != wanted:
            found.invalid(f"metadata.{key}", name, 'must be spec.names.plural+"."+spec.group')
    _group(found, spec.get("group") or "", "spec.group")
    if found.present("spec.scope", spec.get("scope")) and spec["scope"] not in _SCOPES:
        found.not_supported("spec.scope", spec["scope"], _SCOPES)
    if spec.get("preserveUnknownFields") and _has_defaults(spec):
        text = "must be false in order to use defaults in the schema"
        found.invalid("spec.preserveUnknownFields", True, text)
    for i, version in enumerate(spec.get("versions") or ()):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            found.required(f"spec.versions[{i}].schema.openAPIV3Schema")
    _versions(found, spec, old["spec"] if old is not None else {})
    for key in ("plural", "singular", "kind", "listKind"):
        found.present(f"spec.names.{key}", spec["names"].get(key))
    validate_names(found, spec["names"], "spec.names")
    _common(found, spec, old["spec"] if old is not None else {})
    _conversion(found, spec.get("conversion") or {}, "spec.conversion", old)
    status = definition.get("status") or {}
    validate_names(found, status.get("acceptedNames") or {}, "status.acceptedNames")
    _stored_versions(found, status.get("storedVersions") or [], spec.get("versions") or [], "status.storedVersions")
    _approval(found, definition, old)
    if spec.get("preserveUnknownFields"):
        text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        found.invalid("spec.preserveUnknownFields", True, text)


def _group(found: FieldErrors, group: str, path: str) -> None:
    messages = names.dns1123_subdomain(group)
    if not group:
        found.required(path)
    elif messages:
        found.invalid(path, group, ",".join(messages))
    elif "." not in group:
        found.invalid(path, group, "should be a domain with at least one dot")


# --- versions


def _versions(found: FieldErrors, spec: Object, before: Object) -> None:
    versions = spec.get("versions") or []
    for i, version in enumerate(versions):
        path = f"spec.versions[{i}]"
        _label(found, version.get("name") or "", f"{path}.name")
        _deprecation(found, version, f"{path}.deprecationWarning")
        for place in _own(spec, version, i):
            _part(found, place, spec, before)
    version_names = [v.get("name") for v in versions]
    if len(set(version_names)) != len(version_names):
        found.invalid("spec.versions", internal.versions(spec), "must contain unique version names")
    if sum(bool(v.get("storage")) for v in versions) != 1:
        found.invalid(
            "spec.versions", internal.versions(spec), "must have exactly one version marked as storage version"
        )
    if version_names and version_names[0]:  # what once was the only version's name
        _label(found, version_names[0], "spec.version")


_FIELDS = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")


def _own(spec: Object, version: Object, index: int) -> list[internal.Place]:
    """What stands with one version, in the order in which it is looked at."""
    return [
        internal.Place(version[field], f"spec.versions[{index}].{field}", version.get("name") or "")
        for field in _FIELDS
        if version.get(field) and not internal.is_common(spec, field)
    ]


def _common(found: FieldErrors, spec: Object, before: Object) -> None:
    """What all versions have in common."""
    for field in _FIELDS:
        if internal.is_common(spec, field):
            for place in internal.places(spec, field):
                _part(found, place, spec, before)


def _part(found: FieldErrors, place: internal.Place, spec: Object, before: Object) -> None:
    field = place.path.rpartition(".")[2]
    if field in ("schema", "validation"):
        schema = place.value.get("openAPIV3Schema")
        if schema is not None:
            status = internal.has_status(spec, place.version)
            unchanged = _is_unchanged(spec, before, place.version)
            validate_schema(found, schema, f"{place.path}.openAPIV3Schema", status=status, unchanged=unchanged)
    elif field == "subresources":
        if place.value.get("scale") is not None:
            _scale(found, place.value["scale"], f"{place.path}.scale")
    elif field == "additionalPrinterColumns":
        for i, column in enumerate(place.value):
            _column(found, column, f"{place.path}[{i}]")
    else:
        _selectable_fields(found, place, spec, before)


def _has_defaults(spec: Object) -> bool:
    return any(
        "default" in node
        for version in spec.get("versions") or ()
        for node in walk((version.get("schema") or {}).get("openAPIV3Schema") or {})
    )


def _version(spec: Object, name: str) -> Object:
    versions: list[Object] = spec.get("versions") or [{}]
    return next((v for v in versions if v.get("name") == name), versions[0] if not name else {})


def _schema(spec: Object, name: str) -> Schema:
    found: Schema = (_version(spec, name).get("schema") or {}).get("openAPIV3Schema") or {}
    return found


def _is_unchanged(spec: Object, before: Object, version: str) -> bool:
    version = version or _version(spec, "").get("name") or ""
    old = next((v for v in before.get("versions") or () if v.get("name") == version), None)
    return old is not None and semantic_equal(old.get("schema"), _version(spec, version).get("schema"))


def _deprecation(found: FieldErrors, version: Object, path: str) -> None:
    warning = version.get("deprecationWarning")
    if warning is None:
        return
    if not version.get("deprecated"):
        found.invalid(path, warning, "can only be set for deprecated versions")
        return
    if names.size(warning) > _MAX_WARNING:
        found.invalid(path, warning, f"must be <= {_MAX_WARNING} characters long")
    if not warning:
        found.invalid(path, warning, "must not be an empty string")
    at = 0
    for char in warning:
        if not char.isprintable():
            text = "must only contain printable UTF-8 characters; non-printable character found at index"
            found.invalid(path, warning, f"{text} {at}")
            break
        at += names.size(char)


def _scale(found: FieldErrors, scale: Object, path: str) -> None:
    for key, root in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        value = scale.get(key) or ""
        if not found.present(f"{path}.{key}", value):
            continue
        if _simple_path(found, value, f"{path}.{key}") and not value.startswith(f"{root}."):
            found.invalid(f"{path}.{key}", value, f"should be a json path under {root}")
    selector = scale.get("labelSelectorPath") or ""
    if not selector or not _simple_path(found, selector, f"{path}.labelSelectorPath"):
        return
    if not selector.startswith((".spec.", ".status.")):
        detail = "should be a json path under either .spec or .status"
        found.invalid(f"{path}.labelSelectorPath", selector, detail)


def _simple_path(found: FieldErrors, text: str, path: str) -> bool:
    if not text.startswith("."):
        found.invalid(path, text, "must be a simple json path starting with .")
    return text.startswith(".")


def _column(found: FieldErrors, column: Object, path: str) -> None:
    found.present(f"{path}.name", column.get("name"))
    kind, form = column.get("type") or "", column.get("format") or ""
    wanted = f"must be one of {','.join(_COLUMN_TYPES)}"
    if found.present(f"{path}.type", kind, wanted) and kind not in _COLUMN_TYPES:
        found.invalid(f"{path}.type", kind, wanted)
    if form and form not in _COLUMN_FORMATS:
        found.invalid(f"{path}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if found.present(f"{path}.JSONPath", column.get("jsonPath")):
        _simple_path(found, column["jsonPath"], f"{path}.JSONPath")


def _selectable_fields(found: FieldErrors, place: internal.Place, spec: Object, before: Object) -> None:
    schema = _schema(spec, place.version)
    if not schema:
        where = (
            "`version.schema.openAPIV3Schema` is not included" if place.version else "validations.schema is included"
        )
        found.invalid(place.path, "", f"may only be set when {where}")
        return
    seen: set[str] = set()
    for i, entry in enumerate(place.value):
        path, text = f"{place.path}[{i}].jsonPath", entry.get("jsonPath") or ""
        if not found.present(path, text):
            continue
        try:
            steps, node = fieldpath.find(text, schema, brackets=False)
        except fieldpath.PathError as error:
            found.invalid(path, text, f"is an invalid path: {error}")
            continue
        if steps and steps[0].name == "metadata":
            found.invalid(path, text, "must not point to fields in metadata")
        if node.get("type") not in _SELECTABLE_TYPES:
            detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with "
            found.invalid(path, text, f"{detail}formats are allowed.")
        where = fieldpath.show(steps)
        if where in seen:
            found.duplicate(path, text)
        seen.add(where)
    kept = semantic_equal(_version(before, place.version).get("selectableFields"), place.value) if before else False
    if len(seen) > _MAX_SELECTABLE and not kept:
        found.too_many(place.path, len(seen), _MAX_SELECTABLE)


# --- names


def validate_names(found: FieldErrors, named: Object, path: str) -> None:
    for key in ("plural", "singular"):
        if named.get(key):
            _label(found, named[key], f"{path}.{key}")
    for key in ("kind", "listKind"):
        messages = names.dns1035_label((named.get(key) or "").lower())
        if named.get(key) and messages:
            detail = "may have mixed case, but should otherwise match: " + ",".join(messages)
            found.invalid(f"{path}.{key}", named[key], detail)
    for i, short in enumerate(named.get("shortNames") or ()):
        _label(found, short, f"{path}.shortNames[{i}]")
    if named.get("kind") and named["kind"] == named.get("listKind"):
        found.invalid(f"{path}.listKind", named["listKind"], "kind and listKind may not be the same")
    for i, category in enumerate(named.get("categories") or ()):
        _label(found, category, f"{path}.categories[{i}]")


def _label(found: FieldErrors, text: str, path: str) -> None:
    messages = names.dns1035_label(text)
    if messages:
        found.invalid(path, text, ",".join(messages))


# --- the rest


def _conversion(found: FieldErrors, conversion: Object, path: str, old: Object | None) -> None:
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook") or {}
    if found.present(f"{path}.strategy", strategy) and strategy not in _STRATEGIES:
        found.not_supported(f"{path}.strategy", strategy, _STRATEGIES)
    config, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    if strategy != "Webhook":
        text = "should not be set when strategy is not set to Webhook"
        if config is not None:
            found.forbidden(f"{path}.webhookClientConfig", text)
        if versions:
            found.forbidden(f"{path}.conversionReviewVersions", text)
        return
    if config is None:
        found.required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
    else:
        validate_client_config(found, config, f"{path}.webhookClientConfig")
        bundle = config.get("caBundle") or ""
        if bundle and not _may_have_bad_bundle(old) and bundle_is_invalid(bundle):
            text = "unable to load root certificates: unable to parse bytes as PEM block"
            found.invalid(f"{path}.webhookClientConfig.caBundle", bundle, text)
    _review_versions(found, versions, f"{path}.conversionReviewVersions", _old_review_versions(old))


def _old_conversion(old: Object | None) -> Object:
    found: Object = ((old or {}).get("spec") or {}).get("conversion") or {}
    return found.get("webhook") or {}


def _old_review_versions(old: Object | None) -> Sequence[str]:
    return _old_conversion(old).get("conversionReviewVersions") or ()


def is_established(definition: Object) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def _may_have_bad_bundle(old: Object | None) -> bool:
    """Until a definition is established, and where it was bad before."""
    if old is None or not is_established(old):
        return True
    before = (_old_conversion(old).get("clientConfig") or {}).get("caBundle") or ""
    return bool(before) and bundle_is_invalid(before)


def bundle_is_invalid(bundle: str) -> bool:
    """Whether a CA bundle (base64 of PEM) holds something, but no certificate."""
    try:
        text = base64.b64decode(bundle).strip()
    except (binascii.Error, ValueError):
        return True
    return bool(text) and b"-----BEGIN CERTIFICATE-----" not in text


def _review_versions(found: FieldErrors, versions: list[str], path: str, before: Sequence[str]) -> None:
    if not versions:
        found.required(path)
        return
    seen: set[str] = set()
    for i, version in enumerate(versions):
        if version in seen:
            found.invalid(f"{path}[{i}]", version, "duplicate version")
            continue
        seen.add(version)
        for message in names.dns1035_label(version):
            found.invalid(f"{path}[{i}]", version, message)
    recognized = set(_REVIEW_VERSIONS)
    if not recognized & set(versions) and (not before or recognized & set(before)):
        found.invalid(path, versions, f"must include at least one of {', '.join(_REVIEW_VERSIONS)}")


def _approval(found: FieldErrors, definition: Object, old: Object | None) -> None:
    if not approval.is_protected(definition["spec"].get("group") or ""):
        return
    annotations = definition["metadata"].get("annotations") or {}
    state, why = approval.approval_of(annotations)
    if old is not None and approval.approval_of(old["metadata"].get("annotations") or {})[0] is state:
        return
    path = f"metadata.annotations[{ANNOTATION}]"
    if state is Approval.MISSING:
        found.required(path, why)
    elif state is Approval.INVALID:
        found.invalid(path, annotations.get(ANNOTATION), why)


def _stored_versions(found: FieldErrors, stored: list[str], versions: list[Object], path: str) -> None:
    if not stored:
        found.invalid(path, None, "must have at least one stored version")
        return
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            found.invalid(path, stored, f"must have the storage version {version.get('name')}")
    served = {version.get("name") for version in versions}
    for i, name in enumerate(stored):
        if name not in served:
            found.invalid(f"{path}[{i}]", name, _GONE.format(name))
