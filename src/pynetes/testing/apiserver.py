"""An API server on loopback, for tests."""

from typing import Any

from pynetes.apiserver.config import APIServerConfig
from pynetes.component.pki import PKI


def config(files: PKI, **changes: Any) -> APIServerConfig:
    """A server on a free port, in memory, that knows the clients of `files` and ends at once; `changes` come on top."""
    standard: dict[str, Any] = {
        "storage": "memory:",
        "bind_address": "127.0.0.1",
        "secure_port": 0,
        "tls_cert_file": files.apiserver.certificate,
        "tls_private_key_file": files.apiserver.key,
        "client_ca_file": files.ca.certificate,
        "service_account_signing_key_file": files.service_account_key,
        "authorization_modes": ("Node", "RBAC"),
        "shutdown_grace_period": 0.1,
    }
    return APIServerConfig(**{**standard, **changes})
