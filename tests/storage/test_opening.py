"""A bad URL, a missing driver, an engine that is not there: each says what is wrong, and never a password."""

import builtins
import re
from typing import Any

import pytest

from pynetes.storage import StoreUnavailable, open_store
from pynetes.storage.etcd.endpoints import TIMEOUT
from tests.ports import free_port
from tests.storage.conftest import Servers


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nosuch:x", "no store engine for 'nosuch:x': known are etcd, etcds, mariadb, memory, mysql, postgres"),
        ("etcd", "no store engine for 'etcd'"),
        ("etcd://", "bad store URL etcd://: a host is missing"),
        ("etcd://a:1,", "a host is missing"),
        ("etcd://a:b", "'b' is no port"),
        ("etcd://a:0", "'0' is no port"),
        ("etcd://::1", "write the IPv6 address in brackets: [::1]"),
        ("etcd://me:secret@a", "bad store URL etcd://me:…@a: it takes no user; etcd knows its clients by certificate"),
        ("etcd://a?cafile=x", "it knows no option cafile"),
        ("postgres://h", "the database's name is missing after the host"),
        ("postgres://h/d?sslmode=strange", "sslmode"),
        ("mysql://h", "the database's name is missing after the host"),
        ("mysql://a,b/d", "it takes one host"),
        (
            "mysql://u:secret@h/d?ssl-mode=strange",
            "bad store URL mysql://u:…@h/d: ssl-mode is one of DISABLED, REQUIRED",
        ),
        ("mysql://h/d?ssl-ca=/nowhere", "its certificates cannot be used"),
    ],
)
async def test_bad_urls(url: str, why: str) -> None:
    with pytest.raises(StoreUnavailable, match=re.escape(why)) as caught:
        await open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "package"), [("postgres://h/d", "asyncpg"), ("mysql://h/d", "asyncmy"), ("etcd://h", "grpc")]
)
async def test_a_missing_driver_is_named(url: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pynetes.storage.") and name.rpartition(".")[2] in ("postgres", "mysql", "etcd"):
            raise ModuleNotFoundError(name, name=package)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(StoreUnavailable, match=f"needs the Python package '{package}'"):
        await open_store(url)


@pytest.mark.parametrize("url", ["etcd://127.0.0.1:{}", "postgres://u:secret@127.0.0.1:{}/d", "mysql://127.0.0.1:{}/d"])
async def test_an_engine_that_is_not_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pynetes.storage.etcd.endpoints._ROUND_DELAY", TIMEOUT)  # the first refusal is the last
    port = free_port()
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:?.*{port}") as caught:
        await open_store(url.format(port))
    assert "secret" not in str(caught.value)


async def test_a_database_or_a_user_that_is_not_there(servers: Servers) -> None:
    postgres, mysql = servers["postgres"].port, servers["mysql"].port
    for url, why in (
        (f"postgres://postgres@127.0.0.1:{postgres}/nosuch", 'database "nosuch" does not exist'),
        (f"postgres://nosuch@127.0.0.1:{postgres}/postgres", 'role "nosuch" does not exist'),
        (f"mysql://root@127.0.0.1:{mysql}/nosuch", "Unknown database 'nosuch'"),
        (f"mysql://nosuch:secret@127.0.0.1:{mysql}/mysql", "Access denied for user 'nosuch'"),
    ):
        with pytest.raises(StoreUnavailable, match=why) as caught:
            await open_store(url)
        assert "secret" not in str(caught.value)
