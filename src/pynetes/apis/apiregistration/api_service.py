"""APIService: a group and version that this server or another one serves."""

import base64

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.times import format_time
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import RESET_METADATA, Object, Strategy
from pynetes.apis.webhook_address import default_service
from pynetes.component import clock

_MAX_GROUP_PRIORITY = 20000
_MAX_VERSION_PRIORITY = 1000
_STATUSES = ("True", "False", "Unknown")


class APIServiceStrategy(Strategy):
    qualified_finalizers = False
    has_status = True
    status_keeps_metadata = RESET_METADATA
    allow_unconditional_update = False
    name_rule = staticmethod(names.path_segment_name)

    def default(self, obj: Object) -> None:
        default_service(obj.get("spec"))

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        if (obj.get("spec") or {}).get("service") is None:
            obj["status"] = {"conditions": [_local()]}

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj.get("spec") or {}
        group, version = spec.get("group") or "", spec.get("version") or ""
        wanted = f"{version}.{group}"
        for field in ("generateName", "name"):
            name = obj["metadata"].get(field)
            if name and name != wanted and not names.path_segment_name(name):
                found.invalid(f"metadata.{field}", name, f'must be `spec.version+"."+spec.group`: "{wanted}"')
        if group:
            found.rule("spec.group", group, names.dns1123_subdomain)
        elif version != "v1":
            found.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
        found.rule("spec.version", version, names.dns1035_label)
        _priority(found, spec.get("groupPriorityMinimum") or 0, "spec.groupPriorityMinimum", _MAX_GROUP_PRIORITY)
        _priority(found, spec.get("versionPriority") or 0, "spec.versionPriority", _MAX_VERSION_PRIORITY)
        if spec.get("service") is None:
            _local_only(found, spec)
        else:
            _service(found, spec)
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        for i, condition in enumerate((obj.get("status") or {}).get("conditions") or ()):
            status = condition.get("status") or ""
            if status not in _STATUSES:
                found.not_supported(f"status.conditions[{i}].status", status, _STATUSES)
        return found


def _local() -> Object:
    return {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": format_time(clock.now()),
        "reason": "Local",
        "message": "Local APIServices are always available",
    }


def _priority(found: FieldErrors, value: int, path: str, maximum: int) -> None:
    if not 0 < value <= maximum:
        found.invalid(path, value, f"must be positive and less than {maximum}")


def _local_only(found: FieldErrors, spec: Object) -> None:
    if spec.get("caBundle"):
        size = len(base64.b64decode(spec["caBundle"]))
        found.invalid("spec.caBundle", f"{size} bytes", "local APIServices may not have a caBundle")
    if spec.get("insecureSkipTLSVerify"):
        detail = "local APIServices may not have insecureSkipTLSVerify"
        found.invalid("spec.insecureSkipTLSVerify", True, detail)


def _service(found: FieldErrors, spec: Object) -> None:
    service = spec["service"]
    for key in ("namespace", "name"):
        found.present(f"spec.service.{key}", service.get(key))
    port = service.get("port") or 0
    messages = names.port_number(port)
    if messages:
        found.invalid("spec.service.port", port, f"port is not valid: {', '.join(messages)}")
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        found.invalid("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present")
