"""What an APIService says of the server behind it."""

import base64
import binascii
from typing import Any, Self

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionResource

Object = dict[str, Any]

_PORT = 443
#: The group of APIServices themselves, which no APIService can give away.
_OWN = "apiregistration.k8s.io"


class Extension(Struct, frozen=True):
    """`ca_bundle` is PEM; empty means the machine's authorities."""

    name: str
    group: str
    version: str
    namespace: str
    service: str
    port: int = _PORT
    ca_bundle: bytes = b""
    insecure: bool = False
    group_priority: int = 0
    version_priority: int = 0

    @classmethod
    def of(cls, api_service: Object) -> Self | None:
        """None for a local APIService."""
        spec = api_service.get("spec") or {}
        service = spec.get("service")
        if service is None or spec.get("group") == _OWN:
            return None
        return cls(
            meta.name(api_service),
            spec.get("group") or "",
            spec.get("version") or "",
            service.get("namespace") or "",
            service.get("name") or "",
            service.get("port") or _PORT,
            _decoded(spec.get("caBundle") or ""),
            bool(spec.get("insecureSkipTLSVerify")),
            spec.get("groupPriorityMinimum") or 0,
            spec.get("versionPriority") or 0,
        )

    @property
    def root(self) -> str:
        """The path of the group version."""
        return GroupVersionResource(self.group, self.version, "").path().rstrip("/")

    @property
    def key(self) -> str:
        """The group version as OpenAPI v3 names its document."""
        return self.root.removeprefix("/")

    @property
    def server_name(self) -> str:
        """Whose certificate the server must show."""
        return f"{self.service}.{self.namespace}.svc"


class Unresolvable(Exception):
    """The Service leads nowhere; the text says why."""


def resolve(extension: Extension, service: Object | None) -> tuple[str, int]:
    """The Service's address and port, as seen from this server."""
    if service is None:
        raise Unresolvable(f'service "{extension.service}" not found')
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec["externalName"]), extension.port
    address = spec.get("clusterIP") or ""
    if not address or address == "None":
        raise Unresolvable(f'headless service with name "{extension.service}" cannot be used as an aggregated API')
    if not any(entry.get("port") == extension.port for entry in spec.get("ports") or ()):
        raise Unresolvable(f'no service port {extension.port} found for service "{extension.service}"')
    return str(address), extension.port


def _decoded(bundle: str) -> bytes:
    try:
        return base64.b64decode(bundle)
    except (binascii.Error, ValueError):
        return b""
