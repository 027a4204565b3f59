"""How a component's HTTPS port is set up: the settings of `secureserving`, apart from what serves it."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field


class ServingConfig(Struct, frozen=True):
    """Durations are seconds."""

    secure_port: int
    """Port for HTTPS; 0 serves nothing."""
    bind_address: str = "0.0.0.0"
    tls_cert_file: Path | None = None
    """Serving certificate; without one a self-signed certificate is made."""
    tls_private_key_file: Path | None = None
    client_ca_file: Path | None = None
    """CA of client certificates; without one it is looked up in the cluster."""
    authentication_kubeconfig: Path | None = None
    """How to ask about tokens and the CA of client certificates; without it every caller is anonymous."""
    authorization_kubeconfig: Path | None = None
    """How to ask what callers may; without it all is forbidden but to `system:masters`, and health."""
    authentication_skip_lookup: bool = False
    """Do not look the CA of client certificates up in the cluster."""
    authentication_token_webhook_cache_ttl: float = 10
    authorization_webhook_cache_authorized_ttl: float = 10
    authorization_webhook_cache_unauthorized_ttl: float = 10
    authorization_always_allow_paths: tuple[str, ...] = ("/healthz", "/readyz", "/livez")
    """Paths that are open to all; `*` at the end stands for any rest."""


class Serving(Struct, frozen=True):
    """Where a component serves, and the flags that `/flagz` shows."""

    config: ServingConfig
    flags: Mapping[str, str] = field(default_factory=dict)
