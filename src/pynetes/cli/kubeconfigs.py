"""Kubeconfigs: one for each component, and the context `pynetes` in the user's own."""

import os
from pathlib import Path
from typing import Any

from pynetes.cli.layout import Layout
from pynetes.cli.preflight import Problem
from pynetes.cli.settings import Settings
from pynetes.client import kubeconfig
from pynetes.component.pki import PKI, PairPath

CONTEXT = "pynetes"


def write_all(layout: Layout, settings: Settings, pki: PKI) -> None:
    """Writes `<data>/kubeconfig/<user>.conf` for every user of the cluster."""
    users = {
        "admin": pki.admin,
        "controller-manager": pki.controller_manager,
        "cloud-controller-manager": pki.cloud_controller_manager,
        "scheduler": pki.scheduler,
        "kube-proxy": pki.kube_proxy,
        "network": pki.network,
        "kubelet": pki.kubelet_client(settings.node_name),
    }
    for user, pair in users.items():
        path = layout.kubeconfig(user)
        # People's tools know one server; this machine's components use its own while that serves.
        servers = None if user == "admin" or settings.store.startswith("sqlite:") else known_servers(path)
        config = _config(settings, pki, pair, servers)
        kubeconfig.write(path, kubeconfig.document(CONTEXT, config, user=f"{CONTEXT}-{user}"))


def known_servers(path: Path) -> tuple[str, ...]:
    """The list that a component has kept in its kubeconfig; nothing before there is one."""
    try:
        return kubeconfig.load(path).servers or ()
    except kubeconfig.ConfigError:
        return ()


def _config(settings: Settings, pki: PKI, pair: PairPath, servers: tuple[str, ...] | None) -> kubeconfig.Config:
    return kubeconfig.Config(
        server=settings.server,
        ca=pki.ca.certificate.read_bytes(),
        cert=pair.certificate.read_bytes(),
        key=pair.key.read_bytes(),
        servers=servers,
        prefer_server=servers is not None,
    )


def user_file() -> Path:
    """The user's kubeconfig: the first of $KUBECONFIG, else ~/.kube/config; with sudo, the user's who called it."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(":") if part]
    if named:
        return Path(named[0])
    caller = os.environ.get("SUDO_USER")
    home = Path(f"~{caller}").expanduser() if caller else Path.home()
    return home / ".kube" / "config"


def check_user_file() -> list[Problem]:
    """What would be in the way of a merge."""
    path = user_file()
    try:
        if path.exists():
            kubeconfig.read(path)
    except kubeconfig.ConfigError as error:
        return [Problem(str(error), "mend it, move it away, or start with --no-kubeconfig")]
    return []


def merge_into_user_file(layout: Layout) -> tuple[Path, bool]:
    """Puts the context into the user's kubeconfig and makes it current; says whether anything changed."""
    path = user_file()
    base = kubeconfig.read(path) if path.exists() else {}
    merged = kubeconfig.merge(base, kubeconfig.read(layout.kubeconfig("admin")))
    if merged == base:
        return path, False
    new_directory = not path.parent.exists()
    kubeconfig.write(path, merged)
    if "SUDO_UID" in os.environ and "KUBECONFIG" not in os.environ:
        owner = int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID", -1))
        for made in (path, path.parent) if new_directory else (path,):
            os.chown(made, *owner)
    return path, True


def _cluster(document: dict[str, Any]) -> Any:
    """The address and CA that the context stands for: another cluster's differ."""
    return next(
        (entry.get("cluster") for entry in document.get("clusters") or () if entry.get("name") == CONTEXT), None
    )


def remove_from_user_file(layout: Layout) -> Path | None:
    """Takes the context out again if it is this cluster's; the path if it was there."""
    path = user_file()
    if not path.exists():
        return None
    base = kubeconfig.read(path)
    if not any(entry.get("name") == CONTEXT for entry in base.get("contexts") or ()):
        return None
    own = layout.kubeconfig("admin")
    if own.exists() and _cluster(base) != _cluster(kubeconfig.read(own)):
        return None
    kubeconfig.write(path, kubeconfig.remove_context(base, CONTEXT))
    return path
