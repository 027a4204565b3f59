"""Validation of the schema of one version, beyond its being structural."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pynetes.apimachinery.structural import fieldpath
from pynetes.apimachinery.structural.nodes import (
    EMBEDDED,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    META_FIELDS,
    PRESERVE,
    VALIDATIONS,
    Schema,
    additional,
    items,
    properties,
)
from pynetes.apimachinery.structural.structure import unsupported, validate_structural
from pynetes.apis.apiextensions.default_validation import validate_defaults
from pynetes.apis.apiextensions.rule_validation import RuleContext, validate_rules
from pynetes.apis.field_errors import FieldErrors

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
#: JSON names of what may stand at the root of a schema whose status is validated apart.
_ROOT_FIELDS = {
    "description": "Description",
    "type": "Type",
    "format": "Format",
    "title": "Title",
    "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum",
    "minimum": "Minimum",
    "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength",
    "minLength": "MinLength",
    "pattern": "Pattern",
    "maxItems": "MaxItems",
    "minItems": "MinItems",
    "uniqueItems": "UniqueItems",
    "multipleOf": "MultipleOf",
    "required": "Required",
    "items": "Items",
    "properties": "Properties",
    "externalDocs": "ExternalDocs",
    "example": "Example",
    PRESERVE: "XPreserveUnknownFields",
    VALIDATIONS: "XValidations",
}


class _Scope(Struct, frozen=True):
    """What holds at a node: where defaults are forbidden and why, and from where on `oldSelf` cannot be found."""

    no_defaults: str | None = None
    in_meta: bool = False
    uncorrelated: str = ""


def validate_schema(found: FieldErrors, schema: Schema, path: str, *, status: bool, unchanged: bool = False) -> None:
    """`path` is that of openAPIV3Schema; `unchanged`: it was so before, and its rules may cost what they cost."""
    before = len(found)
    if status:
        _root(found, schema, path)
    if schema.get("nullable"):
        found.forbidden(f"{path}.nullable", "nullable cannot be true at the root")
    problem = unsupported(schema)
    context: RuleContext | None = None
    if not problem:
        structural = validate_structural(schema, path)
        found += structural or validate_defaults(schema, path)
        if len(found) == before or not any(error.field.startswith(path) for error in found[before:]):
            context = RuleContext.root(schema, suppress_cost=unchanged)
    schema_errors, rule_errors = _Walk().run(schema, path, _Scope(), context, root=True)
    found += [*schema_errors, *rule_errors]
    if problem and len(found) == before:
        found.invalid(path, "", problem)
    if context is not None:
        found += context.tally.errors(path)


def _root(found: FieldErrors, schema: Schema, path: str) -> None:
    for name in schema:
        if name == "type":
            if schema["type"] != "object":
                text = 'only "object" is allowed as the type at the root of the schema if '
                found.invalid(f"{path}.type", schema["type"], f"{text}the status subresource is enabled")
                return
        elif name not in _ROOT_FIELDS and schema[name] is not None:
            allowed = " ".join(_ROOT_FIELDS.values())
            text = f"only [{allowed}] fields are allowed at the root of the schema if the status subresource is enabled"
            found.invalid(path, schema, text)
            return


class _Walk:
    """One walk over a schema: errors of the schema, and those of its rules, which only count if there are none."""

    def run(
        self, schema: Schema, path: str, scope: _Scope, context: RuleContext | None, *, root: bool = False
    ) -> tuple[FieldErrors, FieldErrors]:
        found, of_rules = FieldErrors(), FieldErrors()
        self._scalar(found, schema, path, scope)
        for child, inner, below, beneath in self._children(found, schema, path, scope, context, root):
            more, more_of_rules = self.run(child, inner, below, beneath)
            found += more
            of_rules += more_of_rules
        _extensions(found, schema, path)
        _keyed_lists(found, schema, path)
        _rule_texts(found, schema, path)
        if schema.get(VALIDATIONS) and not found and context is not None:
            validate_rules(of_rules, schema, path, context, scope.uncorrelated)
        return found, of_rules

    @staticmethod
    def _scalar(found: FieldErrors, schema: Schema, path: str, scope: _Scope) -> None:
        kind = schema.get("type") or ""
        if kind and kind not in _TYPES:
            found.not_supported(f"{path}.type", kind, _TYPES)
        if schema.get("default") is not None and scope.no_defaults is not None:
            found.forbidden(f"{path}.default", f"must not be set {scope.no_defaults}".rstrip())
        for name in ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"):
            if schema.get(name) is not None:
                found.forbidden(f"{path}.{name}", f"{name} is not supported")
        if kind == "null":
            found.forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
        if isinstance(schema.get("items"), list) and schema["items"]:
            found.forbidden(f"{path}.items", "items must be a schema object and not an array")
        if scope.in_meta and schema.get(EMBEDDED):
            found.forbidden(f"{path}.{EMBEDDED}", "must not be used inside of resource meta")
        if schema.get("uniqueItems"):
            text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            found.forbidden(f"{path}.uniqueItems", text)

    @staticmethod
    def _children(
        found: FieldErrors, schema: Schema, path: str, scope: _Scope, context: RuleContext | None, root: bool
    ) -> list[tuple[Schema, str, _Scope, RuleContext | None]]:
        out: list[tuple[Schema, str, _Scope, RuleContext | None]] = []
        values = additional(schema)
        if "additionalProperties" in schema:
            if properties(schema) and schema["additionalProperties"] is not True:
                text = "additionalProperties and properties are mutual exclusive"
                found.forbidden(f"{path}.additionalProperties", text)
            if values is not None:
                below = scope
                if scope.in_meta:
                    below = replace(scope, no_defaults="inside additionalProperties applying to object metadata")
                out.append((values, f"{path}.additionalProperties", below, _of_values(context, values)))
        for name, child in properties(schema).items():
            below = scope
            if schema.get(MAP_TYPE) not in (None, "granular", "atomic") and not scope.uncorrelated:
                below = replace(below, uncorrelated=path)
            if (root or schema.get(EMBEDDED)) and name in META_FIELDS:
                below = replace(below, in_meta=True)
                if root:
                    below = replace(below, no_defaults=f"in top-level {name}")
            beneath = context.property(child, name) if context is not None else None
            out.append((child, f"{path}.properties[{name}]", below, beneath))
        if schema.get("not") is not None:
            out.append((schema["not"], f"{path}.not", scope, None))
        for junctor in ("allOf", "oneOf", "anyOf"):
            out += [(each, f"{path}.{junctor}[{i}]", scope, None) for i, each in enumerate(schema.get(junctor) or ())]
        inner = items(schema)
        if inner is not None:
            below = scope
            if schema.get(LIST_TYPE) != "map" and not scope.uncorrelated:
                below = replace(scope, uncorrelated=path)
            out.append((inner, f"{path}.items", below, context.items(inner) if context is not None else None))
        return out


def _of_values(context: RuleContext | None, values: Schema) -> RuleContext | None:
    return context.values(values) if context is not None else None


def _extensions(found: FieldErrors, schema: Schema, path: str) -> None:
    if schema.get(PRESERVE) is False:
        found.invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")
    kind = schema.get("type") or ""
    for extension, wanted, allowed in (
        (MAP_TYPE, "object", ("atomic", "granular")),
        (LIST_TYPE, "array", ("atomic", "set", "map")),
    ):
        stated = schema.get(extension)
        if stated is None:
            continue
        if kind != wanted:
            text = f"must be {wanted} if {extension} is specified"
            if kind:
                found.invalid(f"{path}.type", kind, text)
            else:
                found.required(f"{path}.type", text)
        elif extension == LIST_TYPE and stated == "set":
            _set_items(found, schema, path)
        if stated not in allowed:
            found.not_supported(f"{path}.{extension}", stated, allowed)


def _set_items(found: FieldErrors, schema: Schema, path: str) -> None:
    inner = items(schema)
    if inner is None:
        return
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if inner.get("type") == "array" and inner.get(LIST_TYPE) not in (None, "atomic"):
        found.invalid(f"{path}.items.{LIST_TYPE}", inner[LIST_TYPE], text)
    elif inner.get("type") == "object" and inner.get(MAP_TYPE) != "atomic":
        found.invalid(f"{path}.items.{MAP_TYPE}", inner.get(LIST_TYPE), text)


def _keyed_lists(found: FieldErrors, schema: Schema, path: str) -> None:
    keys, kind = schema.get(LIST_MAP_KEYS) or [], schema.get(LIST_TYPE)
    if keys and kind is None:
        found.required(f"{path}.{LIST_TYPE}", "must be map if x-kubernetes-list-map-keys is non-empty")
    elif keys and kind != "map":
        found.invalid(f"{path}.{LIST_TYPE}", kind, "must be map if x-kubernetes-list-map-keys is non-empty")
    inner = items(schema)
    if kind == "map":
        if not keys:
            found.required(f"{path}.{LIST_MAP_KEYS}", "must not be empty if x-kubernetes-list-type is map")
        if inner is None:
            found.required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map")
        elif inner.get("type") != "object":
            text = "must be object if parent array's x-kubernetes-list-type is map"
            found.invalid(f"{path}.items.type", inner.get("type") or "", text)
        else:
            _keys(found, keys, inner, path)
    if inner is not None and kind in ("set", "map"):
        if inner.get("nullable"):
            found.forbidden(f"{path}.items.nullable", f"cannot be nullable when x-kubernetes-list-type is {kind}")
        if kind == "map":
            _key_values(found, keys, inner, path)


def _keys(found: FieldErrors, keys: list[str], inner: Schema, path: str) -> None:
    seen: set[str] = set()
    for key in keys:
        own = properties(inner).get(key)
        if own is None:
            found.invalid(f"{path}.{LIST_MAP_KEYS}", keys, "entries must all be names of item properties")
        elif own.get("type") in ("array", "object"):
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            found.invalid(f"{path}.items.properties[{key}].type", inner["type"], text)
        if key in seen:
            found.invalid(f"{path}.{LIST_MAP_KEYS}", keys, "must not contain duplicate entries")
        seen.add(key)


def _key_values(found: FieldErrors, keys: list[str], inner: Schema, path: str) -> None:
    for key in keys:
        own = properties(inner).get(key)
        if own is None:
            continue
        here = f"{path}.items.properties[{key}]"
        if key not in (inner.get("required") or ()) and own.get("default") is None:
            text = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            found.required(f"{here}.default", text)
        if own.get("nullable"):
            text = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
            found.forbidden(f"{here}.nullable", text)


def _rule_texts(found: FieldErrors, schema: Schema, path: str) -> None:
    for i, rule in enumerate(schema.get(VALIDATIONS) or ()):
        _rule_text(found, rule, schema, f"{path}.{VALIDATIONS}[{i}]")


def _rule_text(found: FieldErrors, rule: dict[str, Any], schema: Schema, path: str) -> None:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    if not text:
        found.required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        found.invalid(f"{path}.message", message, "must be non-empty if specified")
    elif _broken(message.strip()):
        found.invalid(f"{path}.message", message, "must not contain line breaks")
    elif _broken(text) and not message.strip():
        found.required(f"{path}.message", "message must be specified if rule contains line breaks")
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        found.required(f"{path}.messageExpression", "messageExpression must be non-empty if specified")
    reason = rule.get("reason")
    if reason is not None and reason not in _REASONS:
        found.not_supported(f"{path}.reason", reason, _REASONS)
    field = rule.get("fieldPath") or ""
    if not field:
        return
    if not field.strip():
        found.invalid(f"{path}.fieldPath", field, "must be non-empty if specified")
    if _broken(field):
        found.invalid(f"{path}.fieldPath", field, "must not contain line breaks")
    try:
        fieldpath.find(field, schema)
    except fieldpath.PathError:
        found.invalid(f"{path}.fieldPath", field, "must be a valid path")


def _broken(text: str) -> bool:
    return "\n" in text or "\r" in text
