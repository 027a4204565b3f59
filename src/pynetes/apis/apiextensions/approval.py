"""Groups that belong to Kubernetes: definitions in them say by whom they were approved."""

from collections.abc import Mapping
from enum import Enum, auto
from urllib.parse import urlsplit

ANNOTATION = "api-approved.kubernetes.io"
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


class Approval(Enum):
    INVALID = auto()
    MISSING = auto()
    APPROVED = auto()
    BYPASSED = auto()


def is_protected(group: str) -> bool:
    return group in ("k8s.io", "kubernetes.io") or group.endswith((".k8s.io", ".kubernetes.io"))


def approval_of(annotations: Mapping[str, str]) -> tuple[Approval, str]:
    """The state, and a sentence about it."""
    stated = annotations.get(ANNOTATION) or ""
    if not stated:
        return Approval.MISSING, f'protected groups must have approval annotation "{ANNOTATION}", {_SEE}'
    if stated.startswith("unapproved"):
        return Approval.BYPASSED, f'not approved: "{stated}"'
    try:
        parts = urlsplit(stated)
        is_url = bool(parts.scheme and parts.netloc)
    except ValueError:
        is_url = False
    if is_url:
        return Approval.APPROVED, f"approved in {stated}"
    return Approval.INVALID, (
        f'protected groups must have approval annotation "{ANNOTATION}" with either a URL or a reason starting with '
        f'"unapproved", {_SEE}'
    )
