"""kubeconfig files: reading as kubectl does, merging contexts in and out, writing safely.

Merging and choosing work on parsed documents; only `load`, `read` and `write` touch files.
"""

import base64
import copy
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from pynetes.client.https import CertificateFiles, HTTPSTransport, TokenFile, tls_context
from pynetes.client.rest import Client

Document = dict[str, Any]
IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVERS_EXTENSION = "pynetes.servers"
# libyaml's where it is there: keys and certificates are long texts.
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SECTIONS = ("clusters", "users", "contexts")
_FILE_KEYS = {
    "clusters": ("cluster", ("certificate-authority",)),
    "users": ("user", ("client-certificate", "client-key", "tokenFile")),
}


class ConfigError(Exception):
    """The kubeconfig cannot be used; the message says what is wrong with it."""


class Config(Struct, frozen=True):
    """How to reach one cluster as one user. Certificates and keys are PEM bytes; `token_file` is read again."""

    server: str
    ca: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = None
    token: str | None = None
    token_file: str | None = None
    namespace: str = "default"
    insecure: bool = False
    tls_server_name: str | None = None
    impersonate: str | None = None
    #: Where `cert` and `key` come from, if they are files: read again when they change.
    cert_file: str | None = None
    key_file: str | None = None
    #: All API servers that are known, in an extension that other clients ignore; None: nobody keeps such a list.
    servers: tuple[str, ...] | None = None
    #: Whether `server` is the one to use whenever it serves.
    prefer_server: bool = False


def load(path: str | Path | None = None, *, context: str | None = None) -> Config:
    """The config of `path`, else of $KUBECONFIG, else of ~/.kube/config, else of the pod this runs in."""
    paths = [Path(path)] if path is not None else default_paths()
    documents = [read(p) for p in paths if path is not None or p.exists()]
    if not documents:
        if (IN_CLUSTER / "token").exists():
            return in_cluster()
        raise ConfigError(f"no kubeconfig found in {', '.join(map(str, paths))}")
    return choose(combine(documents), context)


def default_paths(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """The files kubectl would merge."""
    listed = [p for p in environment.get("KUBECONFIG", "").split(":") if p]
    return [Path(p) for p in listed] or [Path(environment.get("HOME", "/root"), ".kube", "config")]


def read(path: str | Path) -> Document:
    """One file, relative paths made absolute; an empty file is an empty config."""
    path = Path(path)
    try:
        document = yaml.load(path.read_text(), Loader=_Loader)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(f"cannot parse {path}: line {line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot parse {path}: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} is not a kubeconfig")
    return _absolute(document, path.parent)


def _absolute(document: Document, folder: Path) -> Document:
    for section, (inner, keys) in _FILE_KEYS.items():
        for entry in document.get(section) or ():
            values = entry.get(inner) or {}
            for key in keys:
                if values.get(key):
                    values[key] = str(folder / values[key])
    return document


def combine(documents: Iterable[Document]) -> Document:
    """Several files as one: for each name, and for the current context, the first file wins."""
    out: Document = {"apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": ""}
    for section in _SECTIONS:
        out[section] = []
    for document in documents:
        out["current-context"] = out["current-context"] or document.get("current-context") or ""
        for section in _SECTIONS:
            known = {entry["name"] for entry in out[section]}
            out[section] += [e for e in document.get(section) or () if e["name"] not in known]
    return out


def choose(document: Document, context: str | None = None) -> Config:
    """The cluster and user of a context (the current one by default)."""
    wanted = context or document.get("current-context") or ""
    chosen = _entry(document, "contexts", wanted, "context")
    cluster = _entry(document, "clusters", chosen.get("cluster") or "", "cluster")
    user = _entry(document, "users", chosen["user"], "user") if chosen.get("user") else {}
    if not cluster.get("server"):
        raise ConfigError(f'cluster "{chosen.get("cluster")}" has no server defined')
    for unsupported in ("exec", "auth-provider", "username"):
        if user.get(unsupported):
            raise ConfigError(f'user "{chosen["user"]}": credentials by {unsupported} are not supported')
    return Config(
        server=cluster["server"],
        ca=_material(cluster, "certificate-authority"),
        cert=_material(user, "client-certificate"),
        key=_material(user, "client-key"),
        token=user.get("token"),
        token_file=user.get("tokenFile"),
        namespace=chosen.get("namespace") or "default",
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=cluster.get("tls-server-name"),
        impersonate=user.get("as"),
        cert_file=_file(user, "client-certificate"),
        key_file=_file(user, "client-key"),
        **_servers(cluster),
    )


def user(document: Document, name: str) -> Config:
    """The credentials of a user; they are for whichever server."""
    anywhere = {"name": name, "cluster": {"server": "https://localhost"}}
    context = {"name": name, "context": {"cluster": name, "user": name}}
    return choose({"clusters": [anywhere], "contexts": [context], "users": document["users"]}, name)


def _servers(cluster: Document) -> dict[str, Any]:
    for entry in cluster.get("extensions") or ():
        if entry.get("name") == SERVERS_EXTENSION:
            told = entry.get("extension") or {}
            return {"servers": tuple(told.get("servers") or ()), "prefer_server": bool(told.get("prefer"))}
    return {}


def with_servers(document: Document, servers: Sequence[str]) -> Document:
    """The document with another list in every cluster that keeps one."""
    out = copy.deepcopy(document)
    for section in out.get("clusters") or ():
        for entry in section["cluster"].get("extensions") or ():
            if entry.get("name") == SERVERS_EXTENSION:
                entry["extension"] = {**entry["extension"], "servers": list(servers)}
    return out


def _entry(document: Document, section: str, name: str, inner: str) -> Document:
    for entry in document.get(section) or ():
        if entry.get("name") == name:
            return entry.get(inner) or {}
    if section == "contexts" and not name:
        raise ConfigError("no current context is set")
    raise ConfigError(f'{inner} "{name}" does not exist')


def _material(values: Document, key: str) -> bytes | None:
    """PEM from `key-data` (base64), else from the file that `key` names."""
    if values.get(f"{key}-data"):
        try:
            return base64.b64decode(values[f"{key}-data"], validate=True)
        except ValueError as error:
            raise ConfigError(f"{key}-data is not base64") from error
    if values.get(key):
        try:
            return Path(values[key]).read_bytes()
        except OSError as error:
            raise ConfigError(f"unable to read {key} {values[key]}: {error.strerror}") from error
    return None


def _file(values: Document, key: str) -> str | None:
    return None if values.get(f"{key}-data") else values.get(key)


def in_cluster(environment: Mapping[str, str] = os.environ, folder: Path = IN_CLUSTER) -> Config:
    """The config of a pod: its service account's token and the kubernetes Service."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise ConfigError(
            "unable to load in-cluster configuration, "
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
        )
    namespace = folder / "namespace"
    return Config(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        ca=(folder / "ca.crt").read_bytes(),
        token_file=str(folder / "token"),
        namespace=namespace.read_text().strip() if namespace.exists() else "default",
    )


def transport(config: Config) -> HTTPSTransport:
    """The transport a config describes."""
    tls = tls_context(ca_data=config.ca, cert_data=config.cert, key_data=config.key, insecure=config.insecure)
    token: str | Callable[[], str] | None = TokenFile(config.token_file) if config.token_file else config.token
    headers = {"Impersonate-User": config.impersonate} if config.impersonate else {}
    files = CertificateFiles(config.cert_file, config.key_file) if config.cert_file and config.key_file else None
    return HTTPSTransport(
        list(dict.fromkeys([config.server, *(config.servers or ())])),
        tls=tls,
        token=token,
        server_name=config.tls_server_name,
        headers=headers,
        certificate_files=files,
        prefer_first=config.prefer_server,
    )


def client_from_config(config: Config, user_agent: str = "pynetes") -> Client:
    return Client(transport(config), user_agent=user_agent)


def client_from_kubeconfig(
    path: str | Path | None = None,
    user_agent: str = "pynetes",
    *,
    context: str | None = None,
    server: str | None = None,
) -> Client:
    """A client for a kubeconfig's context; `server` replaces the address, as `--master` does."""
    config = load(path, context=context)
    return client_from_config(replace(config, server=server) if server else config, user_agent)


def document(
    name: str,
    config: Config,
    *,
    user: str | None = None,
) -> Document:
    """A kubeconfig with one context `name` for `config`, certificates inline."""
    cluster: Document = {"server": config.server}
    if config.ca:
        cluster["certificate-authority-data"] = base64.b64encode(config.ca).decode()
    if config.insecure:
        cluster["insecure-skip-tls-verify"] = True
    if config.tls_server_name:
        cluster["tls-server-name"] = config.tls_server_name
    if config.servers is not None:
        told = {"servers": list(config.servers), "prefer": config.prefer_server}
        cluster["extensions"] = [{"name": SERVERS_EXTENSION, "extension": told}]
    values: Document = {}
    if config.cert:
        values["client-certificate-data"] = base64.b64encode(config.cert).decode()
    if config.key:
        values["client-key-data"] = base64.b64encode(config.key).decode()
    if config.token:
        values["token"] = config.token
    if config.token_file:
        values["tokenFile"] = config.token_file
    user_name = user or name
    context: Document = {"cluster": name, "user": user_name}
    if config.namespace != "default":
        context["namespace"] = config.namespace
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user_name, "user": values}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }


def merge(base: Document, addition: Document, *, set_current: bool = True) -> Document:
    """`base` with the entries of `addition` put in place of those of the same names."""
    out = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **base}
    for section in _SECTIONS:
        new = {entry["name"]: entry for entry in addition.get(section) or ()}
        kept = [entry for entry in base.get(section) or () if entry["name"] not in new]
        out[section] = kept + list(new.values())
    if set_current or not out.get("current-context"):
        out["current-context"] = addition.get("current-context") or out.get("current-context") or ""
    return out


def remove_context(base: Document, name: str) -> Document:
    """`base` without the context `name`, and without its cluster and user if no other context uses them."""
    contexts = [entry for entry in base.get("contexts") or () if entry["name"] != name]
    gone = [entry["context"] for entry in base.get("contexts") or () if entry["name"] == name]
    out = {**base, "contexts": contexts}
    for section, part in (("clusters", "cluster"), ("users", "user")):
        used = {entry["context"].get(part) for entry in contexts}
        dropped = {context.get(part) for context in gone} - used
        out[section] = [entry for entry in base.get(section) or () if entry["name"] not in dropped]
    if base.get("current-context") == name:
        out["current-context"] = ""
    return out


def write(path: str | Path, content: Document) -> None:
    """Replaces the file as a whole; only its owner may read it. Owner and place of an existing file stay."""
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            yaml.dump(content, file, Dumper=_Dumper, sort_keys=False)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            owner = path.stat()
            os.chown(temporary, owner.st_uid, owner.st_gid)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
