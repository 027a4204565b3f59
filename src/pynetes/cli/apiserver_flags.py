"""Flags of kube-apiserver that stand for other settings here: which etcd holds the state, where the serving certificate
lies. With them, what starts the original by its flags, as controller-runtime's envtest does, starts ours.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import click
from msgspec.structs import replace

from pynetes.apiserver.config import NamedCertificate

_FILE = click.Path(path_type=Path, dir_okay=False)
_PAIR = "apiserver"

_OPTIONS = (
    click.option("--etcd-servers", default="", help="URLs of etcd's members, by commas; stands for --storage etcd:…"),
    click.option("--etcd-cafile", type=_FILE, help="The authority of etcd's certificates."),
    click.option("--etcd-certfile", type=_FILE, help="What is shown to etcd."),
    click.option("--etcd-keyfile", type=_FILE),
    click.option(
        "--cert-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help=f"Without --tls-cert-file, {_PAIR}.crt and {_PAIR}.key in it serve; they are made if they are missing.",
    ),
    click.option(
        "--tls-sni-cert-key",
        multiple=True,
        help="certificate,key or certificate,key:name,name: for clients that ask for a name. Any number of times.",
    ),
    click.option(
        "--allow-privileged/--no-allow-privileged",
        default=True,
        show_default=True,
        help="Always true: Pod Security Admission is what refuses privileged containers.",
    ),
)


def originals(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command these flags; `settings` makes of them what `APIServerConfig` knows."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def settings(
    *,
    etcd_servers: str,
    etcd_cafile: Path | None,
    etcd_certfile: Path | None,
    etcd_keyfile: Path | None,
    cert_dir: Path | None,
    allow_privileged: bool,
    **values: Any,
) -> dict[str, Any]:
    """The values of a config's fields, completed. UsageError for flags that do not go together."""
    if not allow_privileged:
        raise click.UsageError("--allow-privileged=false: privileged containers are refused by Pod Security Admission")
    found = values
    if etcd_servers:
        if found.get("storage"):
            raise click.UsageError("--etcd-servers and --storage name two stores")
        found["storage"] = storage_url(etcd_servers, etcd_cafile, etcd_certfile, etcd_keyfile)
    if cert_dir is not None and not found.get("tls_cert_file"):
        pair = serving_pair(cert_dir, found.get("advertise_address") or found.get("bind_address") or "")
        found["tls_cert_file"], found["tls_private_key_file"] = pair
    return found


def named_certificates(given: Iterable[str]) -> tuple[NamedCertificate, ...]:
    """`foo.crt,foo.key:*.foo.com,foo.com` each; BadParameter for what has another form."""
    found = []
    for text in given:
        pair, colon, names = text.partition(":")
        files = [file.strip() for file in pair.split(",")]
        if colon and not names.strip():
            raise click.BadParameter("empty names list is not allowed", param_hint="--tls-sni-cert-key")
        if len(files) != 2:
            told = "expected comma separated certificate and key file paths"
            raise click.BadParameter(told, param_hint="--tls-sni-cert-key")
        domains = tuple(name.strip() for name in names.split(",")) if colon else ()
        found.append(NamedCertificate(Path(files[0]), Path(files[1]), domains))
    return tuple(found)


def storage_url(servers: str, ca: Path | None, certificate: Path | None, key: Path | None) -> str:
    """`http://a:2379,http://b:2379` → `etcd://a:2379,b:2379`."""
    members = [urlsplit(each.strip()) for each in servers.split(",") if each.strip()]
    if not members or any(each.scheme not in ("http", "https") or not each.netloc for each in members):
        raise click.BadParameter(f"{servers!r} is no list of http:// or https:// URLs", param_hint="--etcd-servers")
    secure = any(each.scheme == "https" for each in members)
    files = {"cacert": ca, "cert": certificate, "key": key} if secure else {}
    options = urlencode({name: str(path) for name, path in files.items() if path}, safe="/")
    hosts = ",".join(each.netloc for each in members)
    return f"{'etcds' if secure else 'etcd'}://{hosts}{'?' if options else ''}{options}"


def serving_pair(directory: Path, address: str) -> tuple[Path, Path]:
    """The certificate and the key in a directory, made for localhost and `address` if they are not there."""
    from pynetes.component import certificates  # not at the top: `--help` needs no cryptography

    certificate, key = directory / f"{_PAIR}.crt", directory / f"{_PAIR}.key"
    if not (certificate.exists() and key.exists()):
        local = certificates.LOCALHOST
        own = () if address in ("", "0.0.0.0", "::") else (address,)
        request = replace(local, ip_addresses=(*local.ip_addresses, *own))
        certificates.store(certificates.self_issued(request), certificate, key)
    return certificate, key
