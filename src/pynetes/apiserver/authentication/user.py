"""UserInfo: an authenticated identity, and the names that upstream reserves."""

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct

ANONYMOUS = "system:anonymous"
API_SERVER = "system:apiserver"

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
PRIVILEGED = "system:masters"
NODES = "system:nodes"
SERVICE_ACCOUNTS = "system:serviceaccounts"
BOOTSTRAPPERS = "system:bootstrappers"

NODE_PREFIX = "system:node:"
SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"

EXTRA_PREFIX = "authentication.kubernetes.io/"
CREDENTIAL_ID = EXTRA_PREFIX + "credential-id"
POD_NAME = EXTRA_PREFIX + "pod-name"
POD_UID = EXTRA_PREFIX + "pod-uid"
NODE_NAME = EXTRA_PREFIX + "node-name"
NODE_UID = EXTRA_PREFIX + "node-uid"


class Remarks(Struct, frozen=True):
    """What is to be said about credentials beside whose they are: in the audit log, and to the client as warnings."""

    annotations: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()


class UserInfo(Struct, frozen=True):
    """An identity. `extra` maps a key to its values; `audiences` are those its token was accepted for. It is the same
    whatever remarks there are."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = {}
    audiences: tuple[str, ...] = ()
    remarks: Remarks | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UserInfo):
            return NotImplemented
        mine = self.name, self.uid, self.groups, self.extra, self.audiences
        return mine == (other.name, other.uid, other.groups, other.extra, other.audiences)

    def with_groups(self, *groups: str) -> Self:
        """The same identity in further groups."""
        cls, all_ = type(self), tuple(dict.fromkeys((*self.groups, *groups)))
        return cls(self.name, self.uid, all_, self.extra, self.audiences, self.remarks)

    def to_wire(self) -> dict[str, Any]:
        """`authentication.k8s.io/v1` UserInfo, empty fields left out."""
        out: dict[str, Any] = {"username": self.name}
        if self.uid:
            out["uid"] = self.uid
        if self.groups:
            out["groups"] = list(self.groups)
        if self.extra:
            out["extra"] = {key: list(values) for key, values in self.extra.items()}
        return out

    @property
    def node_name(self) -> str:
        """The node that this identity is, or "" if it is none (upstream's NodeIdentifier)."""
        if self.name.startswith(NODE_PREFIX) and NODES in self.groups:
            return self.name.removeprefix(NODE_PREFIX)
        return ""

    @property
    def service_account(self) -> tuple[str, str] | None:
        """(namespace, name) of the service account that this identity is."""
        if not self.name.startswith(SERVICE_ACCOUNT_PREFIX):
            return None
        namespace, separator, name = self.name.removeprefix(SERVICE_ACCOUNT_PREFIX).partition(":")
        return (namespace, name) if separator and namespace and name and ":" not in name else None


def service_account_name(namespace: str, name: str) -> str:
    return f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, str]:
    return SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}"


ANONYMOUS_USER = UserInfo(ANONYMOUS, groups=(UNAUTHENTICATED,))
LOOPBACK_USER = UserInfo(API_SERVER, groups=(PRIVILEGED, AUTHENTICATED))
