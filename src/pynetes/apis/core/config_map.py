"""ConfigMap."""

import base64
import binascii

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy

MAX_BYTES = 1024 * 1024
IMMUTABLE_SET = "field is immutable when `immutable` is set"


def decoded_size(value: str | None) -> int:
    """How many bytes base64 text stands for."""
    try:
        return len(base64.b64decode(value or ""))
    except (binascii.Error, ValueError):
        return len(value or "")


def validate_immutable_data(found: FieldErrors, obj: Object, old: Object, *fields: str) -> None:
    if not old.get("immutable"):
        return
    if not obj.get("immutable"):
        found.forbidden("immutable", IMMUTABLE_SET)
    for field in fields:
        if (obj.get(field) or {}) != (old.get(field) or {}):
            found.forbidden(field, IMMUTABLE_SET)


class ConfigMapStrategy(Strategy):
    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        size = 0
        for key, value in data.items():
            found.rule(f"data[{key}]", key, names.config_map_key)
            if key in binary:
                found.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
            size += len((value or "").encode())
        for key, value in binary.items():
            found.rule(f"binaryData[{key}]", key, names.config_map_key)
            size += decoded_size(value)
        if size > MAX_BYTES:
            found.too_long("[]", MAX_BYTES)  # how Go writes a path without a name
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_immutable_data(found, obj, old, "data", "binaryData")
        return found + self.validate(obj)
