"""Secret."""

import base64

from pynetes.apimachinery import json_text, names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.config_map import MAX_BYTES, decoded_size, validate_immutable_data
from pynetes.apis.core.tls_pair import key_pair_problem
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import METADATA_FIELDS, Object, Strategy

OPAQUE = "Opaque"
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_DOCKER_KEYS = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}
_REDACTED = "<secret contents redacted>"


class SecretStrategy(Strategy):
    selectable = METADATA_FIELDS | {"type"}

    def default(self, obj: Object) -> None:
        if not obj.get("type"):
            obj["type"] = OPAQUE
        # stringData is for writing only: what it holds replaces keys of data.
        for key, value in (obj.pop("stringData", None) or {}).items():
            if not isinstance(obj.get("data"), dict):
                obj["data"] = {}
            obj["data"][key] = base64.b64encode((value or "").encode()).decode()

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        data = obj.get("data") or {}
        for key in data:
            found.rule(f"data[{key}]", key, names.config_map_key)
        if sum(map(decoded_size, data.values())) > MAX_BYTES:
            found.too_long("data", MAX_BYTES)
        _validate_type(found, obj, data)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        found.immutable("type", obj.get("type") or "", old.get("type") or "")
        validate_immutable_data(found, obj, old, "data")
        return found + self.validate(obj)

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        """A pair of key and certificate that is none is stored all the same."""
        data = obj.get("data") or {}
        if obj.get("type") != "kubernetes.io/tls":
            return []
        pair = [base64.b64decode(data.get(key) or "") for key in ("tls.crt", "tls.key")]
        problem = key_pair_problem(*pair)
        return [problem] if problem else []

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        return super().selectable_fields(obj) | {"type": obj.get("type") or ""}


def _validate_type(found: FieldErrors, secret: Object, data: dict[str, str]) -> None:
    kind = secret.get("type") or ""
    if kind == SERVICE_ACCOUNT_TOKEN:
        annotations = secret["metadata"].get("annotations") or {}
        found.present(f"metadata.annotations[{SERVICE_ACCOUNT_NAME}]", annotations.get(SERVICE_ACCOUNT_NAME))
    elif kind in _DOCKER_KEYS:
        _docker_configuration(found, data, _DOCKER_KEYS[kind])
    elif kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            found.required("data[username]")
            found.required("data[password]")
    elif kind == "kubernetes.io/ssh-auth":
        found.present("data[ssh-privatekey]", data.get("ssh-privatekey"))
    elif kind == "kubernetes.io/tls":
        for key in ("tls.crt", "tls.key"):
            if key not in data:
                found.required(f"data[{key}]")


def _shape(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "number"


def _docker_configuration(found: FieldErrors, data: dict[str, str], key: str) -> None:
    if key not in data:
        found.required(f"data[{key}]")
        return
    problem = ""
    try:
        parsed = json_text.parse(base64.b64decode(data[key] or ""))
        if not isinstance(parsed, (dict, type(None))):
            problem = f"json: cannot unmarshal {_shape(parsed)} into Go value of type map[string]interface {{}}"
    except ValueError as error:
        problem = str(error)
    if problem:
        found.invalid(f"data[{key}]", _REDACTED, problem)
