"""What a policy's expressions ask of the kinds it is for that these do not have: warnings, never refusals.

A rule that names its groups, versions and resources says which kinds objects can be of; against each, expressions are
compiled once more with `object`, `oldObject` and `params` typed by their schemas.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pynetes.apimachinery.cel.schema import declare
from pynetes.apimachinery.cel.types import DeclType
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource, split_api_version
from pynetes.apimachinery.schema import definition, find_definition_name
from pynetes.apis.admissionregistration.expressions import ANYTHING, Composition, compile_expression

Object = dict[str, Any]

_MOST_KINDS = 10
_OBJECT = {"type": "object"}


class Kinds(Protocol):
    """What is served: kinds of resources, and the schemas of kinds. None for what is not."""

    def kind_of(self, resource: GroupVersionResource) -> GroupVersionKind | None: ...

    def schema_of(self, kind: GroupVersionKind) -> Object | None: ...


def check(policy: Object, kinds: Kinds) -> list[Object]:
    """The expressionWarnings of a ValidatingAdmissionPolicy."""
    spec = policy.get("spec") or {}
    types = [(kind, declared) for kind in kinds_of(spec, kinds) if (declared := _declared(kind, kinds)) is not None]
    found: list[Object] = []
    for i, validation in enumerate(spec.get("validations") or ()):
        for field in ("expression", "messageExpression"):
            text = validation.get(field)
            warning = "\n".join(_issues(text, spec, types, kinds)) if text else ""
            if warning:
                found.append({"fieldRef": f"spec.validations[{i}].{field}", "warning": warning})
    return found


def kinds_of(spec: Object, kinds: Kinds) -> list[GroupVersionKind]:
    """The kinds that rules name, without those that wildcards stand for; not too many of them."""
    found: set[GroupVersionKind] = set()
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        before = len(found)
        for resource in _resources(rule):
            kind = kinds.kind_of(resource)
            if kind is not None:
                found.add(kind)
            if len(found) - before >= _MOST_KINDS:
                return sorted(found)
    return sorted(found)


def _resources(rule: Object) -> Iterator[GroupVersionResource]:
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    if any("*" in each for each in (*groups, *versions)):
        return
    resources = [each for each in rule.get("resources") or () if not {"*", "/"} & set(each)]
    for group in sorted(groups):
        for version in sorted(versions):
            for resource in sorted(resources):
                yield GroupVersionResource(group, version, resource)


def _issues(text: str, spec: Object, types: list[tuple[GroupVersionKind, DeclType]], kinds: Kinds) -> Iterator[str]:
    """What is wrong with an expression, by kind."""
    param_kind = spec.get("paramKind")
    params = None
    if param_kind is not None:
        group, version = split_api_version(param_kind.get("apiVersion") or "")
        params = _declared(GroupVersionKind(group, version, param_kind.get("kind") or ""), kinds)
    for kind, declared in types:
        typed = {"object": declared, "oldObject": declared}
        if params is not None:
            typed["params"] = params
        composition = Composition(params=param_kind is not None, typed=typed)
        for variable in spec.get("variables") or ():
            checked = compile_expression(composition.environment(), variable.get("expression") or "", ANYTHING)
            composition.define(variable.get("name") or "", checked.type)
        problem = compile_expression(composition.environment(), text, ANYTHING).problem
        if problem:
            shown = f"{kind.group}/{kind.version}, Kind={kind.kind}"
            yield f"{shown}: {problem.removeprefix('compilation failed: ')}\n"


def _declared(kind: GroupVersionKind, kinds: Kinds) -> DeclType | None:
    schema = kinds.schema_of(kind)
    declared = declare(schema, resource_root=True) if schema is not None else None
    return declared.named(kind.kind) if declared is not None else None


def built_in_schema(kind: GroupVersionKind) -> Object | None:
    """The schema of a built-in kind, with all that it refers to; what refers to itself is any object."""
    name = find_definition_name(kind)
    return _populated(definition(name), frozenset((name,))) if name is not None else None


def _populated(schema: Mapping[str, Any], seen: frozenset[str]) -> Object:
    reference = _reference(schema)
    if reference is not None:
        if reference in seen:
            return _OBJECT
        return _populated(definition(reference), seen | {reference})
    out = dict(schema)
    if out.get("format") == "int-or-string":
        return {"x-kubernetes-int-or-string": True}
    if "properties" in out:
        out["properties"] = {key: _populated(each, seen) for key, each in out["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), Mapping):
            out[key] = _populated(out[key], seen)
    return out


def _reference(schema: Mapping[str, Any]) -> str | None:
    for each in (schema, *(schema.get("allOf") or ())):
        if "$ref" in each:
            return str(each["$ref"]).rpartition("/")[2]
    return None
