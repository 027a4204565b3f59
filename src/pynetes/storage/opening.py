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
from collections.abc import Awaitable, Callable

from pynetes.component import clock
from pynetes.storage.interface import Store, StoreUnavailable
from pynetes.storage.location import BadLocation, Location

log = logging.getLogger(__name__)

_RETRY = 0.2


async def _memory(location: Location) -> Store:
    from pynetes.storage.memory import MemoryStore

    return MemoryStore()


async def _sqlite(location: Location) -> Store:
    from pynetes.storage.sqlite import SQLiteStore

    return await SQLiteStore.open(location.rest.removeprefix("//"))


async def _etcd(location: Location) -> Store:
    from pynetes.storage.etcd import EtcdStore, TLSFiles

    location.no_user("etcd knows its clients by certificate: cert=FILE&key=FILE")
    tls = TLSFiles(location.option("cacert"), location.option("cert"), location.option("key"))
    sync = location.option("sync", "false", of=("true", "false")) == "true"
    location.no_more_options()
    secure = location.scheme == "etcds" or tls != TLSFiles()
    return await EtcdStore.open(location.addresses(2379), tls if secure else None, sync=sync)


async def _postgres(location: Location) -> Store:
    from pynetes.storage.database import DatabaseStore
    from pynetes.storage.database.postgres import Postgres

    schema = location.option("schema", "public")
    if not location.path:
        raise location.bad("the database's name is missing after the host")
    # The driver knows libpq's URLs, with all of their options.
    return await DatabaseStore.open(Postgres(location.url_as("postgres"), str(location), schema))


async def _mysql(location: Location) -> Store:
    from pynetes.storage.database import DatabaseStore
    from pynetes.storage.database.mysql import MySQL
    from pynetes.storage.database.mysql_tls import tls_context

    host, port = location.address(3306)
    if not location.path:
        raise location.bad("the database's name is missing after the host")
    context = tls_context(location)
    location.no_more_options()
    dialect = MySQL(
        host, port, location.path, user=location.user or "root", password=location.password or "", context=context
    )
    return await DatabaseStore.open(dialect)


_OPENERS: dict[str, Callable[[Location], Awaitable[Store]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "etcd": _etcd,
    "etcds": _etcd,
    "postgres": _postgres,
    "postgresql": _postgres,
    "mysql": _mysql,
    "mariadb": _mysql,
}
"""By scheme. An engine's modules and its driver are imported when it is wanted."""


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
    if scheme not in _OPENERS or ":" not in url:
        shown = url if "@" not in url else f"{scheme}:…"
        raise BadLocation(f"no store engine for {shown!r}: known are {', '.join(sorted(_OPENERS))}")
    return Location(url)


async def open_store(url: str) -> Store:
    """StoreUnavailable for an engine that is not there; BadLocation, which is one, for an URL that names none."""
    location = parse(url)
    scheme = location.scheme
    try:
        return await _OPENERS[scheme](location)
    except ModuleNotFoundError as e:
        raise BadLocation(f"the store engine {scheme!r} needs the Python package {e.name!r}") from e


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
