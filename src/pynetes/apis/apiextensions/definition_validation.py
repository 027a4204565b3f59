"""Validation of a CustomResourceDefinition, apart from the schemas themselves."""

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object
from pynetes.apis.webhook_address import validate_client_config

_SCOPES = ("Cluster", "Namespaced")
_STRATEGIES = ("None", "Webhook")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_REVIEW_VERSIONS = ("v1", "v1beta1")
_GONE = (
    "missing from spec.versions; {0} was previously a storage version, and must remain in spec.versions until a "
    "storage migration ensures no data remains persisted in {0} and removes {0} from status.storedVersions"
)


def validate_definition(found: FieldErrors, definition: Object) -> None:
    spec = definition["spec"]
    name = definition["metadata"].get("name") or ""
    if name != f"{spec['names'].get('plural') or ''}.{spec.get('group') or ''}":
        found.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    _group(found, spec.get("group") or "", "spec.group")
    if found.present("spec.scope", spec.get("scope")) and spec["scope"] not in _SCOPES:
        found.not_supported("spec.scope", spec["scope"], _SCOPES)
    _versions(found, spec, "spec.versions")
    _names(found, spec["names"], "spec.names")
    if spec.get("preserveUnknownFields"):
        found.invalid("spec.preserveUnknownFields", True, "must be false")
    _conversion(found, spec.get("conversion") or {}, "spec.conversion")
    stored = (definition.get("status") or {}).get("storedVersions") or []
    _stored_versions(found, stored, spec.get("versions") or [], "status.storedVersions")


def _group(found: FieldErrors, group: str, path: str) -> None:
    messages = names.dns1123_subdomain(group)
    if not group:
        found.required(path)
    elif messages:
        found.invalid(path, group, ",".join(messages))
    elif "." not in group:
        found.invalid(path, group, "should be a domain with at least one dot")


def _versions(found: FieldErrors, spec: Object, path: str) -> None:
    versions = spec.get("versions") or []
    for i, version in enumerate(versions):
        _label(found, version.get("name") or "", f"{path}[{i}].name")
        _version(found, version, f"{path}[{i}]")
    version_names = [v.get("name") for v in versions]
    if len(set(version_names)) != len(version_names):
        found.invalid(path, versions, "must contain unique version names")
    if sum(bool(v.get("storage")) for v in versions) != 1:
        found.invalid(path, versions, "must have exactly one version marked as storage version")


def _version(found: FieldErrors, version: Object, path: str) -> None:
    if (version.get("schema") or {}).get("openAPIV3Schema") is None:
        found.required(f"{path}.schema.openAPIV3Schema")
    warning = version.get("deprecationWarning")
    if warning is not None and not version.get("deprecated"):
        detail = "can only be set for deprecated versions"
        found.invalid(f"{path}.deprecationWarning", warning, detail)
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        _scale(found, scale, f"{path}.subresources.scale")
    for i, column in enumerate(version.get("additionalPrinterColumns") or ()):
        _column(found, column, f"{path}.additionalPrinterColumns[{i}]")


def _scale(found: FieldErrors, scale: Object, path: str) -> None:
    for key, root in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        value = scale.get(key) or ""
        if found.present(f"{path}.{key}", value) and not value.startswith(f"{root}."):
            found.invalid(f"{path}.{key}", value, f"should be a json path under {root}")
    selector = scale.get("labelSelectorPath") or ""
    if selector and not selector.startswith((".spec.", ".status.")):
        detail = "should be a json path under either .spec or .status"
        found.invalid(f"{path}.labelSelectorPath", selector, detail)


def _column(found: FieldErrors, column: Object, path: str) -> None:
    found.present(f"{path}.name", column.get("name"))
    kind, form = column.get("type") or "", column.get("format") or ""
    wanted = f"must be one of {','.join(_COLUMN_TYPES)}"
    if found.present(f"{path}.type", kind, wanted) and kind not in _COLUMN_TYPES:
        found.invalid(f"{path}.type", kind, wanted)
    if form and form not in _COLUMN_FORMATS:
        found.invalid(f"{path}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
    found.present(f"{path}.JSONPath", column.get("jsonPath"))


def _names(found: FieldErrors, named: Object, path: str) -> None:
    for key in ("plural", "singular", "kind", "listKind"):
        found.present(f"{path}.{key}", named.get(key))
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


def _conversion(found: FieldErrors, conversion: Object, path: str) -> None:
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook")
    if found.present(f"{path}.strategy", strategy) and strategy not in _STRATEGIES:
        found.not_supported(f"{path}.strategy", strategy, _STRATEGIES)
    if strategy != "Webhook":
        if webhook is not None:
            found.forbidden(f"{path}.webhook", "should not be set when strategy is not set to Webhook")
        return
    config = (webhook or {}).get("clientConfig")
    if config is None:
        found.required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
    else:
        validate_client_config(found, config, f"{path}.webhookClientConfig")
    versions = (webhook or {}).get("conversionReviewVersions") or []
    if not set(versions) & set(_REVIEW_VERSIONS):
        detail = f"must include at least one of {', '.join(_REVIEW_VERSIONS)}"
        found.invalid(f"{path}.conversionReviewVersions", versions, detail)


def _stored_versions(found: FieldErrors, stored: list[str], versions: list[Object], path: str) -> None:
    if not stored:
        found.invalid(path, stored, "must have at least one stored version")
        return
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            found.invalid(path, stored, f"must have the storage version {version.get('name')}")
    served = {version.get("name") for version in versions}
    for i, name in enumerate(stored):
        if name not in served:
            found.invalid(f"{path}[{i}]", name, _GONE.format(name))
