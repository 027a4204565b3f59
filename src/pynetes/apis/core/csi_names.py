"""Names of CSI drivers."""

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors

_MAX = 63


def validate_csi_driver_name(found: FieldErrors, name: str, path: str) -> None:
    if not name:
        found.required(path)
        return
    if len(name) > _MAX:
        found.too_long(path, _MAX)
    for message in names.dns1123_subdomain(name.lower()):
        found.invalid(path, name, message)
