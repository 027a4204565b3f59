"""What PostgreSQL and MySQL add to the contract: plain SQL, plans, TLS, statements they refuse."""

import asyncio
import gc
import random
import shutil
from collections.abc import Iterator

import pytest

from pynetes.storage import KeyValue, StoreUnavailable, open_store
from pynetes.storage.database import DatabaseStore, log
from pynetes.storage.database.dialect import StatementRefused
from pynetes.storage.database.pool import connect
from pynetes.storage.database.postgres import Postgres as PostgresDialect
from tests.storage.conftest import Servers
from tests.storage.engines import MariaDB, Postgres, SecureMariaDB, SecurePostgres


@pytest.fixture(params=["postgres", "mysql"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Postgres | MariaDB:
    found = servers[request.param]
    assert isinstance(found, Postgres | MariaDB)
    return found


async def test_the_tables_can_be_read_with_plain_sql(server: Postgres | MariaDB) -> None:
    url = server.empty()
    store = await open_store(url)
    made = await store.create("/registry/core/pods/default/ä", b'{"kind":"Pod"}')
    place = url.rpartition("=" if isinstance(server, Postgres) else "/")[2]
    text = server.sql(f"SELECT * FROM {place}.objects")
    assert text.replace("\t", "|").split("|")[0] == made.key
    assert text.strip().endswith('{"kind":"Pod"}')
    await store.close()


async def test_servers_that_open_an_empty_database_at_once(server: Postgres | MariaDB) -> None:
    url = server.empty()
    stores = await asyncio.gather(*(open_store(url) for _ in range(6)))
    made = await asyncio.gather(*(store.create(f"/{i}", b"") for i, store in enumerate(stores)))
    assert sorted(kv.mod_revision for kv in made) == list(range(2, 8))
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_newer_format_is_refused(server: Postgres | MariaDB) -> None:
    url = server.empty()
    await (await open_store(url)).close()
    place = url.rpartition("=" if isinstance(server, Postgres) else "/")[2]
    server.sql(f"UPDATE {place}.meta SET value = 99 WHERE name = 'format'")
    with pytest.raises(StoreUnavailable, match="written by a newer version"):
        await open_store(url)


async def test_a_store_that_went_back_ends_the_watches(server: Postgres | MariaDB) -> None:
    url = server.empty()
    store = await open_store(url)
    made = [await store.create(f"/{i}", b"") for i in range(5)]
    async with store.watch("/", start=2) as watch:
        await anext(watch)
        place = url.rpartition("=" if isinstance(server, Postgres) else "/")[2]
        server.sql(
            f"DELETE FROM {place}.history WHERE revision > 3; DELETE FROM {place}.current WHERE mod_revision > 3"
        )
        assert await store.revision() == 3
        with pytest.raises(StoreUnavailable, match="went back"):
            async with asyncio.timeout(100):
                await anext(watch)
    again = await store.create("/again", b"")
    assert again.mod_revision == 4 == made[2].mod_revision
    async with store.watch("/", start=4) as watch:
        assert [event.kv for event in (await anext(watch)).events] == [again]
    await store.close()


async def test_one_refused_write_harms_no_other(server: Postgres | MariaDB) -> None:
    store = await open_store(server.empty())
    long = random.Random(1).randbytes(5000).hex()  # longer than a column or an index takes, even compressed
    results = await asyncio.gather(
        *(store.create(f"/{i}", b"x") for i in range(10)),
        store.create("/" + long, b""),
        *(store.create(f"/{i}", b"x") for i in range(10, 20)),
        return_exceptions=True,
    )
    refused = results.pop(10)
    assert isinstance(refused, StatementRefused)
    assert all(isinstance(result, KeyValue) for result in results)
    assert len((await store.list("/")).items) == 20
    await store.check()  # what is wrong with one write is not wrong with the store
    await store.close()


async def test_a_group_of_large_writes_is_cut_into_statements(server: Postgres | MariaDB) -> None:
    store = await open_store(server.empty())
    made = await asyncio.gather(*(store.create(f"/{i}", bytes([i]) * (2 << 20)) for i in range(24)))
    assert [kv.mod_revision for kv in made] == list(range(2, 26))
    assert (await store.get("/23"))[0] == made[23]
    await store.close()


async def test_postgres_reads_by_index_whatever_its_statistics_say(servers: Servers) -> None:
    server = servers["postgres"]
    url = server.empty()
    store = await open_store(url)
    assert isinstance(store, DatabaseStore)
    await asyncio.gather(*(store.create(f"/registry/{i}", b"x" * 200) for i in range(500)))
    dialect = store._dialect
    assert isinstance(dialect, PostgresDialect)
    session = await connect(dialect)
    one, many = (b"/a",), (b"/a", b"/z")
    for sql, parameters in (
        (log._GET, one), (log._OLD_GET, (*one, 5)), (log._PAGE, (*many, *many, 10)), (log._RANGE, many),
        (log._OLD_PAGE, (*many, 5, *many, 5, 10)), (log._ALL_CHANGES, (5, 9, 10)), (log._SUPERSEDED, (5, 9, 10)),
        (log._CHANGES_UNDER, (5, 9, *many, 10)), (log._NEXT_EXPIRY, ()), (log._EXPIRED, (9, 10)),
    ):  # fmt: skip
        plan = "\n".join(row[0] for row in await session.fetch("EXPLAIN " + sql, *parameters))
        assert "Seq Scan on history" not in plan, plan
        assert "Seq Scan on current" not in plan, plan
    session.terminate()
    await store.close()


# --- TLS


@pytest.fixture(scope="module")
def secure_postgres() -> Iterator[SecurePostgres]:
    server = SecurePostgres()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def secure_mariadb() -> Iterator[SecureMariaDB]:
    server = SecureMariaDB()
    try:
        server.start()
        yield server
    finally:
        server.close()


async def works(url: str) -> None:
    store = await open_store(url)
    try:
        made = await store.create(f"/{await store.revision()}", b"")
        assert (await store.get(made.key))[0] == made
    finally:
        await store.close()


async def test_postgres_with_tls_and_a_client_certificate(secure_postgres: SecurePostgres) -> None:
    files, base, login = secure_postgres.files, secure_postgres.base, secure_postgres.login
    await works(secure_postgres.empty())
    await works(f"{base}?sslmode=verify-full&sslrootcert={files.ca}&{login}")
    await works(f"{base}?sslmode=require&{login}")
    for options in (
        "sslmode=disable",
        f"sslmode=verify-full&sslrootcert={files.ca}",
        f"sslmode=verify-full&sslrootcert={files.stranger}&{login}",
    ):
        with pytest.raises(StoreUnavailable, match="PostgreSQL, postgres"):
            await open_store(f"{base}?{options}")


async def test_mysql_with_tls_and_a_client_certificate(secure_mariadb: SecureMariaDB) -> None:
    files, login = secure_mariadb.files, secure_mariadb.login
    await works(secure_mariadb.empty())
    base = secure_mariadb.base("store1")
    await works(f"{base}?ssl-mode=REQUIRED&{login}")
    await works(f"{base}?ssl-mode=VERIFY_CA&ssl-ca={files.ca}&{login}")
    for options in ("", f"ssl-ca={files.ca}", f"ssl-ca={files.stranger}&{login}"):
        with pytest.raises(StoreUnavailable, match=r"MySQL, 127\.0\.0\.1"):
            await open_store(f"{base}?{options}")
    gc.collect()  # a connection left open would be told here


async def test_mysql_that_would_lose_commits_is_refused(servers: Servers) -> None:
    server = servers["mysql"]
    assert isinstance(server, MariaDB)
    url = server.empty()
    server.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 0")
    try:
        with pytest.raises(StoreUnavailable, match="innodb_flush_log_at_trx_commit = 1"):
            await open_store(url)
    finally:
        server.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1")


def test_the_servers_are_debians(servers: Servers) -> None:
    """A test that ran on something else would prove nothing."""
    assert shutil.which("etcd") == "/usr/bin/etcd"
    assert servers["postgres"].command()[0].startswith("/usr/lib/postgresql/")
    assert servers["mysql"].command()[0] == "/usr/sbin/mariadbd"
