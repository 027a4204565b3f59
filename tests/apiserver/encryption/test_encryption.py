"""The configuration in force: reload by itself, what a bad file or an ill plugin does to it."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from pynetes.apiserver.encryption.config import ConfigError
from pynetes.apiserver.encryption.encryption import Encryption
from pynetes.apiserver.encryption.transformer import TransformError
from pynetes.storage import open_store
from tests.apiserver.encryption.kms_plugin import Plugin

KEY = "/registry/core/secrets/default/web"


def write(path: Path, *providers: dict[str, Any]) -> None:
    rule = {"resources": ["secrets"], "providers": list(providers)}
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    new = path.with_suffix(".new")
    new.write_text(yaml.safe_dump({**head, "resources": [rule]}))
    os.replace(new, path)


def cbc(name: str) -> dict[str, Any]:
    return {"aescbc": {"keys": [{"name": name, "secret": base64.b64encode(bytes(32)).decode()}]}}


def kms(plugin: Plugin, name: str = "vault") -> dict[str, Any]:
    return {"kms": {"apiVersion": "v2", "name": name, "endpoint": plugin.endpoint, "timeout": "60s"}}


async def written(encryption: Encryption) -> bytes:
    """What is stored of a Secret just now."""
    raw = await open_store("memory:")
    await encryption.store_of("", "secrets", raw).create(KEY, b"plain")
    found, _ = await raw.get(KEY)
    await raw.close()
    assert found is not None
    return found.value


async def test_a_changed_file_is_found_by_itself_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    write(path, cbc("a"))
    async with Encryption(path, reload=True, period=0.01) as encryption, asyncio.timeout(60):
        assert (await written(encryption)).startswith(b"k8s:enc:aescbc:v1:a:")
        path.write_text("nonsense")
        with pytest.raises(ConfigError):
            await encryption.reload()
        path.unlink()
        with pytest.raises(ConfigError):
            await encryption.reload()
        assert (await written(encryption)).startswith(b"k8s:enc:aescbc:v1:a:")
        write(path, cbc("b"))
        while not (await written(encryption)).startswith(b"k8s:enc:aescbc:v1:b:"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_without_reload_the_file_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    write(path, cbc("a"))
    async with Encryption(path, reload=False) as encryption:
        assert not encryption.has_check
        path.unlink()
        assert (await written(encryption)).startswith(b"k8s:enc:aescbc:v1:a:")


async def test_resources_that_are_not_named_stay_plain(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    write(path, cbc("a"))
    async with Encryption(path, reload=False) as encryption:
        raw = await open_store("memory:")
        await encryption.store_of("", "configmaps", raw).create(KEY, b"plain")
        found, _ = await raw.get(KEY)
        assert found is not None
        assert found.value == b"plain"
        await raw.close()


async def test_a_plugin_comes_by_reload_once_it_is_healthy(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    write(path, cbc("a"))
    async with Plugin(tmp_path / "kms.sock") as plugin, Encryption(path, reload=True, period=3600) as encryption:
        await encryption.check()
        plugin.healthz = "sealed"
        write(path, kms(plugin), cbc("a"))
        with pytest.raises(ConfigError, match="got unexpected healthz status: sealed"):
            await encryption.reload()
        assert (await written(encryption)).startswith(b"k8s:enc:aescbc:v1:a:")
        plugin.healthz = "ok"
        assert await encryption.reload()
        await encryption.check()
        assert (await written(encryption)).startswith(b"k8s:enc:kms:v2:vault:")
        write(path, kms(plugin, "other"))
        assert await encryption.reload()
        assert (await written(encryption)).startswith(b"k8s:enc:kms:v2:other:")


async def test_health_names_the_plugin_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    async with Plugin(tmp_path / "kms.sock") as plugin:
        plugin.healthz = "sealed"
        write(path, kms(plugin))
        async with Encryption(path, reload=False) as encryption:
            assert encryption.has_check
            with pytest.raises(TransformError, match=r"^kms-provider-0: kmsv2 Provider vault is not healthy"):
                await encryption.check()
