"""What a service account token states: the public claims of JWT and the private `kubernetes.io` claim."""

from typing import Any

from msgspec import Struct

from pynetes.apiserver.authentication import user

#: Expiry that a kubelet asks for projected tokens; such a token only warns at its end and lives on for a year.
WARN_ONLY_SECONDS = 60 * 60 + 7
EXTENDED_SECONDS = 24 * 365 * 60 * 60


class Reference(Struct, frozen=True):
    """An object that a token names; `uid` may be empty for a node that is gone."""

    name: str
    uid: str = ""

    @classmethod
    def of(cls, obj: dict[str, Any]) -> "Reference":
        return cls(obj["metadata"]["name"], obj["metadata"].get("uid") or "")

    def to_wire(self) -> dict[str, str]:
        return {"name": self.name, "uid": self.uid} if self.uid else {"name": self.name}


class Claims(Struct, frozen=True):
    """The content of a token. `node` beside `pod` only tells where the pod runs; alone the token hangs on it."""

    namespace: str
    service_account: Reference
    audiences: tuple[str, ...]
    issued_at: int
    expires_at: int
    pod: Reference | None = None
    secret: Reference | None = None
    node: Reference | None = None
    warn_after: int = 0
    id: str = ""
    not_before: int = 0

    def to_wire(self) -> dict[str, Any]:
        private: dict[str, Any] = {"namespace": self.namespace, "serviceaccount": self.service_account.to_wire()}
        for kind in ("pod", "secret", "node"):
            reference: Reference | None = getattr(self, kind)
            if reference is not None:
                private[kind] = reference.to_wire()
        if self.warn_after:
            private["warnafter"] = self.warn_after
        return {
            "aud": list(self.audiences),
            "exp": self.expires_at,
            "iat": self.issued_at,
            "jti": self.id,
            "kubernetes.io": private,
            "nbf": self.issued_at,
            "sub": user.service_account_name(self.namespace, self.service_account.name),
        }

    @classmethod
    def from_wire(cls, claims: dict[str, Any]) -> "Claims":
        """Reads verified claims; ValueError if they are not those of a bound service account token."""
        private = claims.get("kubernetes.io")
        if not isinstance(private, dict):
            raise ValueError("no kubernetes.io claim")
        account = _reference(private.get("serviceaccount"))
        if account is None:
            raise ValueError("no service account in the kubernetes.io claim")
        audiences = claims.get("aud") or ()
        return cls(
            namespace=str(private.get("namespace") or ""),
            service_account=account,
            audiences=(audiences,) if isinstance(audiences, str) else tuple(str(a) for a in audiences),
            issued_at=_seconds(claims.get("iat")),
            expires_at=_seconds(claims.get("exp")),
            not_before=_seconds(claims.get("nbf")),
            pod=_reference(private.get("pod")),
            secret=_reference(private.get("secret")),
            node=_reference(private.get("node")),
            warn_after=_seconds(private.get("warnafter")),
            id=str(claims.get("jti") or ""),
        )


def credential_id(token_id: str) -> str:
    """How audit and `extra` name a token."""
    return f"JTI={token_id}"


def _reference(value: Any) -> Reference | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("a reference is not an object")
    return Reference(str(value.get("name") or ""), str(value.get("uid") or ""))


def _seconds(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a time claim is not a number")
    return int(value)
