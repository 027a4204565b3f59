"""How the server shows itself to webhooks: users of a kubeconfig, whose names are those of hosts.

A user is named `host:port`, `host` (for port 443), `*.domain`, or `*` for all others.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from pynetes.client import kubeconfig
from pynetes.client.kubeconfig import Config, ConfigError

_PORT = 443


class Credential(Struct, frozen=True):
    """`certificate` and `key` are PEM; `token_file` is read at every use."""

    certificate: bytes = b""
    key: bytes = b""
    token: str = ""
    token_file: str = ""

    def authorization(self) -> str:
        """The header's value, "" for none; OSError if the token cannot be read."""
        token = Path(self.token_file).read_text().strip() if self.token_file else self.token
        return f"Bearer {token}" if token else ""


NOBODY = Credential()


class Credentials:
    def __init__(self, users: Mapping[str, Credential] | None = None) -> None:
        self._users = dict(users or {})

    @classmethod
    def load(cls, path: Path) -> "Credentials":
        """ConfigError for a file that cannot be used. The current context's user is for those who have none."""
        document = kubeconfig.combine([kubeconfig.read(path)])
        users = {entry["name"]: _credential(kubeconfig.user(document, entry["name"])) for entry in document["users"]}
        current = document["current-context"]
        if current and "*" not in users:
            users["*"] = _credential(kubeconfig.choose(document))
        return cls(users)

    def of(self, host: str, port: int) -> Credential:
        return next((self._users[name] for name in _names(host, port) if name in self._users), NOBODY)


def _names(host: str, port: int) -> Iterator[str]:
    """From the most exact on."""
    wholes = [f"{host}:{port}", *([host] if port == _PORT else [])]
    for whole in wholes:
        yield whole
        parts = whole.split(".")
        yield from (f"*.{'.'.join(parts[i:])}" for i in range(1, len(parts)))
    yield "*"


def _credential(config: Config) -> Credential:
    if bool(config.cert) != bool(config.key):
        raise ConfigError("client-certificate and client-key must both be specified, or neither")
    return Credential(config.cert or b"", config.key or b"", config.token or "", config.token_file or "")
