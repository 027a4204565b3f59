"""Environment variables and the downward API."""

import re
from collections.abc import Collection

from pynetes.apimachinery import names, quantity
from pynetes.apis.core.path_validation import validate_no_backsteps
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

ENV_FIELDS = frozenset(
    (
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    )
)
VOLUME_FIELDS = frozenset(
    ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
)
# What the downward API can name at all; others cannot even be converted.
_KNOWN_FIELDS = ENV_FIELDS | VOLUME_FIELDS | {"spec.restartPolicy", "spec.schedulerName", "status.phase"}
_RESOURCE_FIELDS = tuple(
    f"{kind}.{r}" for kind in ("limits", "requests") for r in ("cpu", "ephemeral-storage", "memory")
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_CPU_DIVISORS = ("1m", "1")
_BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_SUBSCRIPTABLE = ("metadata.annotations", "metadata.labels")
_OLD_NODE_NAME = "spec.host"
_SUBSCRIPT = re.compile(r"(.+)\['(.+)'\]")
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def validate_env(found: FieldErrors, variables: list[Object], path: str) -> None:
    for index, variable in enumerate(variables):
        own = f"{path}[{index}]"
        found.required_rule(f"{own}.name", variable.get("name"), names.relaxed_env_var_name)
        if variable.get("valueFrom") is not None:
            _value_from(found, variable, f"{own}.valueFrom")


def _value_from(found: FieldErrors, variable: Object, path: str) -> None:
    source = variable["valueFrom"]
    given = [name for name in _ENV_SOURCES if source.get(name) is not None]
    for name in given:
        _SOURCE_CHECKS[name](found, source[name], f"{path}.{name}")
    if not given:
        choices = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        found.invalid(path, "", f"must specify one of: {choices}")
    elif variable.get("value"):
        found.invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        found.invalid(path, "", "may not have more than one field specified at a time")


def validate_field_ref(found: FieldErrors, source: Object, allowed: Collection[str], path: str) -> None:
    if not found.present(f"{path}.apiVersion", source.get("apiVersion")):
        return
    if not found.present(f"{path}.fieldPath", source.get("fieldPath")):
        return
    field_path = source["fieldPath"]
    problem = _conversion_problem(source["apiVersion"], field_path)
    if problem:
        found.invalid(f"{path}.fieldPath", field_path, f"error converting fieldPath: {problem}")
        return
    subscripted = _SUBSCRIPT.fullmatch(field_path)
    if subscripted:
        kind, key = subscripted.groups()
        found.rule(path, key.lower() if kind == "metadata.annotations" else key, names.qualified_name)
        return
    name = "spec.nodeName" if field_path == _OLD_NODE_NAME else field_path
    if name not in allowed:
        found.not_supported(f"{path}.fieldPath", name, sorted(allowed))


def _conversion_problem(api_version: str, field_path: str) -> str:
    if api_version != "v1":
        return f"unsupported pod version: {api_version}"
    subscripted = _SUBSCRIPT.fullmatch(field_path)
    if subscripted:
        kind = subscripted.group(1)
        return "" if kind in _SUBSCRIPTABLE else f"field label does not support subscript: {field_path}"
    if field_path in _KNOWN_FIELDS or field_path == _OLD_NODE_NAME:
        return ""
    return f"field label not supported: {field_path}"


def _env_field(found: FieldErrors, source: Object, path: str) -> None:
    validate_field_ref(found, source, ENV_FIELDS, path)


def validate_resource_field_ref(found: FieldErrors, source: Object, path: str, *, volume: bool) -> None:
    resource = source.get("resource") or ""
    if volume and not source.get("containerName"):
        found.required(f"{path}.containerName")
    elif not resource:
        found.required(f"{path}.resource")
    elif resource not in _RESOURCE_FIELDS and not resource.startswith(_HUGE_PAGES):
        found.not_supported(f"{path}.resource", resource, _RESOURCE_FIELDS)
    divisor = str(quantity.parse(source.get("divisor") or "0"))
    if divisor == "0":
        return
    if resource.endswith(".cpu"):
        if divisor not in _CPU_DIVISORS:
            found.invalid(
                f"{path}.divisor", resource, "only divisor's values 1m and 1 are supported with the cpu resource"
            )
    elif divisor not in _BYTE_DIVISORS:
        kind = resource.partition(".")[2]
        named = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(kind, "hugepages")
        if kind in ("memory", "ephemeral-storage") or resource.startswith(_HUGE_PAGES):
            values = ", ".join(_BYTE_DIVISORS)
            found.invalid(
                f"{path}.divisor", resource, f"only divisor's values {values} are supported with the {named} resource"
            )


def _env_resource(found: FieldErrors, source: Object, path: str) -> None:
    validate_resource_field_ref(found, source, path, volume=False)


def _key_selector(found: FieldErrors, source: Object, path: str) -> None:
    found.rule(f"{path}.name", source.get("name") or "", names.dns1123_subdomain)
    found.required_rule(f"{path}.key", source.get("key"), names.config_map_key)


def _file_key(found: FieldErrors, source: Object, path: str) -> None:
    found.required_rule(f"{path}.key", source.get("key"), names.relaxed_env_var_name)
    found.required_rule(f"{path}.volumeName", source.get("volumeName"), names.dns1123_label)
    if found.present(f"{path}.path", source.get("path")):
        validate_no_backsteps(found, source["path"], f"{path}.path")


_SOURCE_CHECKS = {
    "fieldRef": _env_field,
    "resourceFieldRef": _env_resource,
    "configMapKeyRef": _key_selector,
    "secretKeyRef": _key_selector,
    "fileKeyRef": _file_key,
}


def validate_env_from(found: FieldErrors, sources: list[Object], path: str) -> None:
    for index, source in enumerate(sources):
        own = f"{path}[{index}]"
        if source.get("prefix"):
            found.rule(f"{own}.prefix", source["prefix"], names.relaxed_env_var_name)
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        for kind in given:
            found.required_rule(f"{own}.{kind}.name", source[kind].get("name"), names.dns1123_subdomain)
        if not given:
            found.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            found.invalid(path, "", "may not have more than one field specified at a time")
