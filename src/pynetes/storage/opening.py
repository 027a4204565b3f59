"""Opens a store by its URL.

    memory:
    sqlite:///var/lib/pynetes/store.db
    etcd://HOST:2379,HOST:2379?cacert=FILE&cert=FILE&key=FILE&sync=true    etcds: TLS with the system's authorities
    postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=FILE&sslcert=FILE&sslkey=FILE&schema=NAME
    mysql://USER:PASSWORD@HOST:3306/DATABASE?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE&ssl-cert=FILE&ssl-key=FILE

Options are named as the engine's own client names them (etcdctl, psql, mysql). `sync=true` takes the members from etcd
itself, as they come and go: those in the URL are the first to be asked.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pynetes.component import clock
from pynetes.storage.interface import Store, StoreUnavailable
from pynetes.storage.location import BadLocation, Location

if TYPE_CHECKING:
    from pynetes.storage.database.dialect import Dialect
    from pynetes.storage.etcd import TLSFiles

log = logging.getLogger(__name__)

Engine: TypeAlias = Literal["memory", "sqlite", "etcd", "postgres", "mysql"]

_RETRY = 0.2


class EtcdMembers(NamedTuple):
    """host:port of each, the certificates if it is to be TLS, and whether to ask etcd who the members are."""

    addresses: list[str]
    tls: "TLSFiles | None"
    sync: bool


async def _memory(location: Location) -> Store:
    from pynetes.storage.memory import MemoryStore

    return MemoryStore()


async def _sqlite(location: Location) -> Store:
    from pynetes.storage.sqlite import SQLiteStore

    return await SQLiteStore.open(sqlite_path(location))


async def _etcd(location: Location) -> Store:
    from pynetes.storage.etcd import EtcdStore

    found = etcd_members(location)
    return await EtcdStore.open(found.addresses, found.tls, sync=found.sync)


async def _database(location: Location) -> Store:
    from pynetes.storage.database import DatabaseStore

    return await DatabaseStore.open(dialect(location))


def sqlite_path(location: Location) -> Path:
    return Path(location.rest.removeprefix("//"))


def etcd_members(location: Location) -> EtcdMembers:
    from pynetes.storage.etcd import TLSFiles

    location.no_user("etcd knows its clients by certificate: cert=FILE&key=FILE")
    tls = TLSFiles(location.option("cacert"), location.option("cert"), location.option("key"))
    sync = location.option("sync", "false", of=("true", "false")) == "true"
    location.no_more_options()
    secure = location.scheme == "etcds" or tls != TLSFiles()
    return EtcdMembers(location.addresses(2379), tls if secure else None, sync)


def dialect(location: Location) -> "Dialect":
    """Of a database server."""
    return _postgres(location) if engine_of(location) == "postgres" else _mysql(location)


def _postgres(location: Location) -> "Dialect":
    from pynetes.storage.database.postgres import Postgres

    schema = location.option("schema", "public")
    if not location.path:
        raise location.bad("the database's name is missing after the host")
    # The driver knows libpq's URLs, with all of their options.
    return Postgres(location.url_as("postgres"), str(location), schema)


def _mysql(location: Location) -> "Dialect":
    from pynetes.storage.database.mysql import MySQL
    from pynetes.storage.database.mysql_tls import tls_context

    host, port = location.address(3306)
    if not location.path:
        raise location.bad("the database's name is missing after the host")
    context = tls_context(location)
    location.no_more_options()
    return MySQL(
        host, port, location.path, user=location.user or "root", password=location.password or "", context=context
    )


_ENGINES: dict[str, Engine] = {
    "memory": "memory",
    "sqlite": "sqlite",
    "etcd": "etcd",
    "etcds": "etcd",
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
"""By scheme."""

_OPENERS: dict[Engine, Callable[[Location], Awaitable[Store]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "etcd": _etcd,
    "postgres": _database,
    "mysql": _database,
}
"""An engine's modules and its driver are imported when it is wanted."""


def engine_of(location: Location) -> Engine:
    return _ENGINES[location.scheme]


@contextmanager
def located(url: str) -> Iterator[Location]:
    """For a block that opens what an URL names. BadLocation if it names nothing, or its driver is missing."""
    location = parse(url)
    try:
        yield location
    except ModuleNotFoundError as e:
        raise BadLocation(f"the store engine {location.scheme!r} needs the Python package {e.name!r}") from e


def members(url: str) -> list[str]:
    """The URLs of the members of a store that has several, each alone; none for any other."""
    if not url.startswith(("etcd://", "etcds://")) or "," not in url:
        return []
    scheme, _, rest = url.partition("://")
    hosts, query = re.split(r"(?=[/?]|$)", rest, maxsplit=1)
    return [f"{scheme}://{host}{query}" for host in hosts.split(",")]


def parse(url: str) -> Location:
    """BadLocation for what is no store's URL; what follows the scheme is looked at when it is opened."""
    scheme = url.partition(":")[0]
    if scheme not in _ENGINES or ":" not in url:
        shown = url if "@" not in url else f"{scheme}:…"
        raise BadLocation(f"no store engine for {shown!r}: known are {', '.join(sorted(_ENGINES))}")
    return Location(url)


async def open_store(url: str) -> Store:
    """StoreUnavailable for an engine that is not there; BadLocation, which is one, for an URL that names none."""
    with located(url) as location:
        return await _OPENERS[engine_of(location)](location)


async def open_patiently(url: str, seconds: float) -> Store:
    """`open_store` for an engine that may be starting just now; after so many seconds its error is raised."""
    deadline = clock.monotonic() + seconds
    while True:
        try:
            return await open_store(url)
        except BadLocation:
            raise
        except StoreUnavailable as error:
            if clock.monotonic() >= deadline:
                raise
            log.info("waiting for the store: %s", error)
        await clock.sleep(_RETRY)
