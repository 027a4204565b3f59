"""Certificates for engines that speak TLS: an authority, a server's for 127.0.0.1, a client's."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pynetes.component.certificates import Request, issue, new_authority


@dataclass(frozen=True)
class Certificates:
    """PEM files. `stranger` is an authority that signed nothing here."""

    directory: Path

    @property
    def ca(self) -> str:
        return str(self.directory / "ca.crt")

    @property
    def stranger(self) -> str:
        return str(self.directory / "stranger.crt")

    def cert(self, name: str) -> str:
        return str(self.directory / f"{name}.crt")

    def key(self, name: str) -> str:
        return str(self.directory / f"{name}.key")


def make(directory: Path, *, user: str = "", client: str = "root") -> Certificates:
    """`user` is to own the keys, if the tests run as root; `client` is the client's name."""
    directory.mkdir()
    directory.chmod(0o755)
    authority = new_authority("store-ca")
    (directory / "ca.crt").write_bytes(authority.certificate_pem)
    (directory / "stranger.crt").write_bytes(new_authority("stranger").certificate_pem)
    server = Request("server", dns_names=("localhost",), ip_addresses=("127.0.0.1",), server=True, client=True)
    for name, request in (("server", server), ("client", Request(client, client=True))):
        pair = issue(authority, request)
        (directory / f"{name}.crt").write_bytes(pair.certificate_pem)
        (directory / f"{name}.key").write_bytes(pair.key_pem)
        (directory / f"{name}.key").chmod(0o600)
    if user and os.geteuid() == 0:
        shutil.chown(directory / "server.key", user)
    return Certificates(directory)
