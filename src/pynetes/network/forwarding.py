"""Where a firewall or a container engine lets the machine forward nothing but its own, pods are an exception.

A packet must pass every table's forward chain, so that an exception has to stand in the one that drops: iptables' own,
whose policy Docker and ufw set to DROP. Blocking; in the network namespace of the caller.
"""

import subprocess
from collections.abc import Iterator

from pynetes.component.nftables import Nftables, NftablesError

_COMMENT = "pynetes-pods"


def allow(nftables: Nftables, cluster_cidr: str) -> bool:
    """Adds what is missing of the exception where it is needed; whether it did. Cheap where nothing is dropped."""
    try:
        chain = nftables.run_blocking("list chain ip filter FORWARD")
    except NftablesError:
        return False  # nobody has such a firewall
    if "policy drop" not in chain:
        return False
    # iptables is asked, for nft does not show every rule as it was written: its comment is left out
    missing = [rule for rule in _rules(cluster_cidr) if _iptables("-C", "FORWARD", *rule) is None]
    added = [rule for rule in missing if _iptables("-I", "FORWARD", *rule) is not None]
    return bool(added)


def forget() -> None:
    """Takes the exception away."""
    for line in (_iptables("-S", "FORWARD") or "").splitlines():
        if _COMMENT in line:
            _iptables("-D", *line.replace('"', "").split()[1:])


def _rules(cluster_cidr: str) -> Iterator[list[str]]:
    for end in ("-s", "-d"):
        yield [end, cluster_cidr, "-m", "comment", "--comment", _COMMENT, "-j", "ACCEPT"]


def _iptables(*arguments: str) -> str | None:
    """What it prints; None where it refuses, or is not installed."""
    try:
        done = subprocess.run(["iptables", "-w", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout
