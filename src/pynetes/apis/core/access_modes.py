"""Access and volume modes that volumes and claims share."""

from pynetes.apis.field_errors import FieldErrors

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")


def validate_access_modes(found: FieldErrors, modes: list[str], path: str) -> None:
    for mode in modes:
        if mode not in ACCESS_MODES:
            found.not_supported(path, mode, ACCESS_MODES)
    known = [mode for mode in modes if mode in ACCESS_MODES]
    if "ReadWriteOncePod" in known and set(known) != {"ReadWriteOncePod"}:
        found.forbidden(path, "may not use ReadWriteOncePod with other access modes")


def validate_volume_mode(found: FieldErrors, mode: str | None, path: str) -> None:
    if mode is not None and mode not in VOLUME_MODES:
        found.not_supported(path, mode, VOLUME_MODES)
