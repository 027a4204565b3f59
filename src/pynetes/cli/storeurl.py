"""`--store`: where a cluster's state is kept, chosen when the cluster is made.

    sqlite:                 a file of this machine's own, <data>/state.db; sqlite:/PATH for another
    etcd:                   a member of an etcd that Pynetes runs on every control plane's machine
    etcd://H1,H2 …          somebody else's etcd, PostgreSQL or MySQL, as `storage.opening` knows them

The URL may hold a password: it lies in a file of its own, which only root may read. Settings, status and logs have its
`identity` alone.
"""

import asyncio
import os
from pathlib import Path

from msgspec import Struct

from pynetes.cli.layout import Layout
from pynetes.cli.settings import SettingsError
from pynetes.component import certificates
from pynetes.storage import StoreUnavailable, open_store
from pynetes.storage.location import BadLocation, Location
from pynetes.storage.opening import parse as parse_location

SQLITE, ETCD = "sqlite:", "etcd:"

_HELP = "see --store in `pynetes server --help`"


class StoreChoice(Struct, frozen=True):
    """`identity` is what may be shown and is kept in the settings; `url` is secret."""

    url: str
    identity: str

    @property
    def managed(self) -> bool:
        """An etcd of our own."""
        return self.identity == ETCD

    @property
    def shared(self) -> bool:
        """Whether API servers on several machines can use it."""
        return not self.identity.startswith(SQLITE)


def parse(text: str) -> StoreChoice:
    """SettingsError for what no cluster can be kept in."""
    try:
        location = parse_location(text)
    except BadLocation as error:
        raise SettingsError(f"--store: {error}; {_HELP}") from None
    if location.scheme == "memory":
        raise SettingsError(f"--store memory: keeps nothing: choose sqlite: or another; {_HELP}")
    if location.scheme == "sqlite":
        return _sqlite(location)
    if location.scheme in ("etcd", "etcds") and not location.hosts:
        if location.rest.strip("/"):
            raise SettingsError(f"--store: {location.bad('a host is missing')}; {_HELP}")
        return StoreChoice(ETCD, ETCD)
    return StoreChoice(text, location.identity)


def _sqlite(location: Location) -> StoreChoice:
    path = location.rest.removeprefix("//")
    if not path:
        return StoreChoice(SQLITE, SQLITE)
    if not path.startswith("/"):
        raise SettingsError(f"--store sqlite:{path}: the path must begin with a slash")
    return StoreChoice(f"{SQLITE}{path}", f"{SQLITE}{path}")


def check(choice: StoreChoice) -> None:
    """SettingsError, in one line, if the store cannot be used as it is. Takes seconds if nobody answers."""
    if choice.managed or choice.identity == SQLITE:
        return
    if not choice.shared:
        directory = Path(choice.identity.removeprefix(SQLITE)).parent
        if not (directory.is_dir() and os.access(directory, os.W_OK)):
            raise SettingsError(f"--store {choice.identity}: {directory} is no directory to write in: make it first")
        return
    try:
        asyncio.run(_open_and_close(choice.url))
    except BadLocation as error:
        raise SettingsError(f"--store: {error}; {_HELP}") from None
    except StoreUnavailable as error:
        raise SettingsError(
            f"--store {choice.identity} cannot be used ({_one_line(error)}): "
            "see that it runs, that this machine reaches it, and that it knows the user"
        ) from None


async def _open_and_close(url: str) -> None:
    await (await open_store(url)).close()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def save(layout: Layout, choice: StoreChoice) -> None:
    certificates.write_file(layout.store_url, f"{choice.url}\n".encode(), mode=0o600)


def load(layout: Layout) -> StoreChoice:
    """The store of the cluster on this disk; clusters from before there was a choice have SQLite."""
    try:
        return parse(layout.store_url.read_text().strip())
    except FileNotFoundError:
        return StoreChoice(SQLITE, SQLITE)


def chosen(layout: Layout, given: str | None) -> StoreChoice:
    """What was given now, or the first time. Password and options may change, the store may not: see `settings`."""
    return parse(given) if given else load(layout)
