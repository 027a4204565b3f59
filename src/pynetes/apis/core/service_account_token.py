"""Service account tokens that live in Secrets: the names that controllers and authentication share."""

from datetime import date, datetime
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apis.core.secret import SERVICE_ACCOUNT_NAME, SERVICE_ACCOUNT_TOKEN

Object = dict[str, Any]

TYPE = SERVICE_ACCOUNT_TOKEN
ACCOUNT_NAME = SERVICE_ACCOUNT_NAME
ACCOUNT_UID = "kubernetes.io/service-account.uid"
ISSUER = "kubernetes/serviceaccount"
LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
#: The ConfigMap in kube-system that tells since when the use of such tokens is noted.
TRACKING = "kube-apiserver-legacy-service-account-token-tracking"

NAMESPACE_CLAIM = "kubernetes.io/serviceaccount/namespace"
SECRET_CLAIM = "kubernetes.io/serviceaccount/secret.name"
NAME_CLAIM = "kubernetes.io/serviceaccount/service-account.name"
UID_CLAIM = "kubernetes.io/serviceaccount/service-account.uid"


def claims(account: Object, secret: Object) -> dict[str, str]:
    """What such a token states. It has no end: it lives as long as its Secret."""
    name, namespace = meta.name(account), meta.namespace(account)
    return {
        "sub": f"system:serviceaccount:{namespace}:{name}",
        NAMESPACE_CLAIM: namespace,
        SECRET_CLAIM: meta.name(secret),
        NAME_CLAIM: name,
        UID_CLAIM: meta.uid(account),
    }


def belongs_to(secret: Object, name: str, uid: str) -> bool:
    """Whether the Secret holds a token of the account; one that names no UID belongs to any account of that name."""
    notes = meta.annotations(secret)
    return notes.get(ACCOUNT_NAME) == name and notes.get(ACCOUNT_UID, "") in ("", uid)


def is_listed(account: Object, secret: str) -> bool:
    """Whether the account refers to the Secret: then it was made for it, by releases before 1.24."""
    return any(reference.get("name") == secret for reference in account.get("secrets") or ())


def day_of(text: str | None) -> date | None:
    """A day as labels state it; None for anything else."""
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").date()
    except ValueError:
        return None
