"""Paths inside volumes: relative, and never upwards."""

from pynetes.apis.field_errors import FieldErrors


def validate_no_backsteps(found: FieldErrors, value: str, path: str) -> None:
    if ".." in value.split("/"):
        found.invalid(path, value, "must not contain '..'")


def validate_local_path(found: FieldErrors, value: str, path: str) -> None:
    """A path below some directory."""
    if value.startswith("/"):
        found.invalid(path, value, "must be a relative path")
    validate_no_backsteps(found, value, path)


def validate_unreserved_path(found: FieldErrors, value: str, path: str) -> None:
    """As above; names that begin with two dots belong to the kubelet's atomic writer."""
    validate_local_path(found, value, path)
    if value.startswith("..") and not value.startswith("../"):
        found.invalid(path, value, "must not start with '..'")


def validate_file_mode(found: FieldErrors, mode: int | None, path: str) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        found.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")
