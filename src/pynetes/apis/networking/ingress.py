"""Ingress and IngressClass."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.domain_path import validate_domain_prefixed_path
from pynetes.apis.field_errors import FieldErrors, parse_ip
from pynetes.apis.strategy import Object, Strategy

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_SUFFIXES = ("/..", "/.")
_SCOPES = ("Cluster", "Namespace")
_MAX_CONTROLLER = 250
_NOT_AN_IP = "must be a DNS name, not an IP address"


class IngressStrategy(Strategy):
    has_status = True
    maintains_generation = True

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"loadBalancer": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        found = _validate_spec(obj.get("spec") or {})
        noted = (obj["metadata"].get("annotations") or {}).get(_CLASS_ANNOTATION)
        own = (obj.get("spec") or {}).get("ingressClassName")
        if noted is not None and own is not None and noted != own:
            detail = "must match `ingressClassName` when both are specified"
            found.invalid(f"annotations.{_CLASS_ANNOTATION}", noted, detail)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_spec(obj.get("spec") or {})

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        before = [e["ip"] for e in _points(old) if e.get("ip")]
        for index, entry in enumerate(_points(obj)):
            own = f"status.loadBalancer.ingress[{index}]"
            if entry.get("ip"):
                found.ip(f"{own}.ip", entry["ip"], before)
            if entry.get("hostname"):
                found.rule(f"{own}.hostname", entry["hostname"], names.dns1123_subdomain)
                if parse_ip(entry["hostname"]):
                    found.invalid(f"{own}.hostname", entry["hostname"], _NOT_AN_IP)
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        annotations = obj["metadata"].get("annotations") or {}
        if old is None and _CLASS_ANNOTATION in annotations and "ingressClassName" not in (obj.get("spec") or {}):
            return [f"annotation \"{_CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]
        return []


def _points(ingress: Object) -> list[Object]:
    return ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []


def _validate_spec(spec: Object) -> FieldErrors:
    found = FieldErrors()
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        found.invalid("spec", spec.get("rules"), "either `defaultBackend` or `rules` must be specified")
    if backend is not None:
        _backend(found, backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        _rule(found, rule, f"spec.rules[{index}]")
    for index, tls in enumerate(spec.get("tls") or ()):
        for number, host in enumerate(tls.get("hosts") or ()):
            found.rule(f"spec.tls[{index}].hosts[{number}]", host, _host_rule(host))
        if tls.get("secretName"):
            found.rule(f"spec.tls[{index}].secretName", tls["secretName"], names.dns1123_subdomain)
    if spec.get("ingressClassName") is not None:
        found.rule("spec.ingressClassName", spec["ingressClassName"], names.dns1123_subdomain)
    return found


def _host_rule(host: str) -> names.Rule:
    return names.wildcard_dns1123_subdomain if "*" in host else names.dns1123_subdomain


def _rule(found: FieldErrors, rule: Object, path: str) -> None:
    host = rule.get("host")
    if host:
        if parse_ip(host):
            found.invalid(f"{path}.host", host, _NOT_AN_IP)
        found.rule(f"{path}.host", host, _host_rule(host))
    http = rule.get("http")
    if http is None:
        return
    found.present(f"{path}.http.paths", http.get("paths"))
    for index, entry in enumerate(http.get("paths") or ()):
        _path(found, entry, f"{path}.http.paths[{index}]")


def _path(found: FieldErrors, entry: Object, path: str) -> None:
    kind, value = entry.get("pathType"), entry.get("path") or ""
    if kind is None:
        found.required(f"{path}.pathType", "pathType must be specified")
        return
    if kind not in _PATH_TYPES:
        found.not_supported(f"{path}.pathType", kind, _PATH_TYPES)
    elif (value or kind != "ImplementationSpecific") and not value.startswith("/"):
        found.invalid(f"{path}.path", value, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for sequence in _BAD_SEQUENCES:
            if sequence in value:
                found.invalid(f"{path}.path", value, f"must not contain '{sequence}'")
        for suffix in _BAD_SUFFIXES:
            if value.endswith(suffix):
                found.invalid(f"{path}.path", value, f"cannot end with '{suffix}'")
    _backend(found, entry.get("backend") or {}, f"{path}.backend")


def _backend(found: FieldErrors, backend: Object, path: str) -> None:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        found.invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        _reference(found, resource, f"{path}.resource")
    elif service is None:
        found.invalid(path, "", "resource or service backend is required")
    else:
        found.required_rule(f"{path}.service.name", service.get("name"), names.dns1123_label)
        port = service.get("port") or {}
        name, number = port.get("name"), port.get("number")
        if name and number:
            found.invalid(path, "", "cannot set both port name & port number")
        elif name:
            found.rule(f"{path}.service.port.name", name, names.port_name)
        elif number:
            found.rule(f"{path}.service.port.number", number, names.port_number)
        else:
            found.required(path, "port name or number is required")


def _reference(found: FieldErrors, reference: Object, path: str) -> None:
    if reference.get("apiGroup") is not None:
        found.rule(f"{path}.apiGroup", reference["apiGroup"], names.dns1123_subdomain)
    for field in ("kind", "name"):
        found.required_rule(f"{path}.{field}", reference.get(field), names.path_segment_name)


class IngressClassStrategy(Strategy):
    maintains_generation = True

    def default(self, obj: Object) -> None:
        parameters = (obj.get("spec") or {}).get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj.get("spec") or {}
        controller = spec.get("controller") or ""
        if len(controller) > _MAX_CONTROLLER:
            found.too_long("spec.controller", _MAX_CONTROLLER)
        validate_domain_prefixed_path(found, controller, "spec.controller")
        if spec.get("parameters") is not None:
            _parameters(found, spec["parameters"], "spec.parameters")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        new, before = obj.get("spec") or {}, old.get("spec") or {}
        found.immutable("spec.controller", new.get("controller") or "", before.get("controller"))
        return found + self.validate(obj)


def _parameters(found: FieldErrors, parameters: Object, path: str) -> None:
    _reference(found, parameters, path)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        found.required(f"{path}.scope")
    elif scope not in _SCOPES:
        found.not_supported(f"{path}.scope", scope, _SCOPES)
    elif scope == "Namespace":
        if namespace is None:
            found.required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
        else:
            found.rule(f"{path}.namespace", namespace, names.dns1123_label)
    elif namespace is not None:
        found.forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")
