"""The hosts of the cluster on this disk, as JSON in `<data>/hosts.json`; and the lock of who changes them."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from pynetes.cli.hosts.plan import Host, HostError, Plan, is_name
from pynetes.cli.layout import Layout


def path(layout: Layout) -> Path:
    return layout.data / "hosts.json"


def save(layout: Layout, plan: Plan) -> None:
    """Whole or not at all."""
    layout.data.mkdir(parents=True, exist_ok=True)
    temporary = path(layout).with_suffix(".new")
    temporary.write_text(json.dumps(msgspec.to_builtins(plan), indent=1) + "\n")
    temporary.replace(path(layout))


def load(layout: Layout) -> Plan | None:
    """None if the cluster has no hosts of its own; HostError if the file is damaged."""
    try:
        return _parse(json.loads(path(layout).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError) as error:
        raise HostError(f"{path(layout)} is damaged ({error}); `pynetes purge` removes the cluster") from None


def required(layout: Layout) -> Plan:
    """HostError if there are no hosts."""
    plan = load(layout)
    if plan is None:
        raise HostError("there are no hosts on this machine: `pynetes up --nodes 3` makes some")
    return plan


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """For commands that change hosts, one at a time; HostError if another is at work. Forks do not hold the lock."""
    layout.run.mkdir(parents=True, exist_ok=True)
    with (layout.run / "hosts.lock").open("w") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostError(
                "another command changes this cluster's hosts just now: try again when it is done"
            ) from None
        yield


def _parse(values: Any) -> Plan:
    hosts = tuple(Host(**entry) for entry in values["hosts"])
    for host in hosts:
        if not is_name(host.name) or not host.name.startswith(host.role):
            raise ValueError(f"{host.name!r} is no host's name")
    return Plan(values["cidr"], hosts)
