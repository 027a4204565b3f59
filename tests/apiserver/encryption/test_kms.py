"""KMS v2: the stored form, key changes, plugins that are ill, gone and back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pynetes.apiserver.encryption.aes import DerivedGCM
from pynetes.apiserver.encryption.kms import kms_pb2 as pb
from pynetes.apiserver.encryption.kms import provider as providers
from pynetes.apiserver.encryption.kms.envelope import check, check_key_id
from pynetes.apiserver.encryption.kms.provider import KMSProvider
from pynetes.apiserver.encryption.kms.service import socket
from pynetes.apiserver.encryption.transformer import TransformError
from pynetes.component import clock
from tests.apiserver.encryption.kms_plugin import Plugin

PATH = b"/registry/core/secrets/default/web"
TEXT = b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"web"}}'


@pytest.fixture
async def plugin(tmp_path: Path) -> AsyncIterator[Plugin]:
    async with Plugin(tmp_path / "kms.sock") as plugin:
        yield plugin


@pytest.fixture
async def provider(plugin: Plugin) -> AsyncIterator[KMSProvider]:
    provider = KMSProvider("vault", plugin.endpoint, 60.0)
    yield provider
    await provider.close()


@pytest.fixture
def later() -> Iterator[None]:
    """The wall clock, four minutes on."""
    now = clock.time_seconds()
    clock.set_wall_clock(lambda: now + 240)
    yield
    clock.set_wall_clock(None)


async def test_values_lie_in_upstreams_form_with_the_seed_beside_them(plugin: Plugin, provider: KMSProvider) -> None:
    await provider.probe()
    stored = pb.EncryptedObject.FromString(await provider.transformer.to_storage(TEXT, PATH))
    assert stored.keyID == "1"
    assert stored.encryptedDEKSourceType == pb.HKDF_SHA256_XNONCE_AES_GCM_SEED
    assert dict(stored.annotations) == plugin.annotations
    seed = plugin.keys["1"].decrypt(stored.encryptedDEKSource)
    assert await DerivedGCM(seed).from_storage(stored.encryptedData, PATH) == (TEXT, False)


async def test_the_plugin_is_asked_once_for_many_values(plugin: Plugin, provider: KMSProvider) -> None:
    await provider.probe()
    for _ in range(20):
        stored = await provider.transformer.to_storage(TEXT, PATH)
        assert await provider.transformer.from_storage(stored, PATH) == (TEXT, False)
    assert plugin.calls == ["status", "encrypt"]


async def test_another_server_asks_for_the_seed_once(plugin: Plugin, provider: KMSProvider) -> None:
    await provider.probe()
    stored = [await provider.transformer.to_storage(TEXT, PATH) for _ in range(5)]
    other = KMSProvider("vault", plugin.endpoint, 60.0)
    await other.probe()
    for value in stored:
        assert await other.transformer.from_storage(value, PATH) == (TEXT, False)
    assert plugin.calls.count("decrypt") == 1
    await other.close()


async def test_a_value_that_was_moved_is_refused(provider: KMSProvider) -> None:
    await provider.probe()
    stored = await provider.transformer.to_storage(TEXT, PATH)
    with pytest.raises(TransformError, match="message authentication failed"):
        await provider.transformer.from_storage(stored, PATH + b"2")


async def test_a_new_key_makes_a_new_seed_and_old_values_stale(plugin: Plugin, provider: KMSProvider) -> None:
    await provider.probe()
    old = await provider.transformer.to_storage(TEXT, PATH)
    plugin.rotate("2")
    await provider.probe()
    assert await provider.transformer.from_storage(old, PATH) == (TEXT, True)
    new = await provider.transformer.to_storage(TEXT, PATH)
    assert pb.EncryptedObject.FromString(new).keyID == "2"
    assert await provider.transformer.from_storage(new, PATH) == (TEXT, False)


async def test_a_key_that_the_plugin_has_lost_is_told(plugin: Plugin, provider: KMSProvider) -> None:
    await provider.probe()
    old = await provider.transformer.to_storage(TEXT, PATH)
    plugin.rotate("2")
    del plugin.keys["1"]
    other = KMSProvider("vault", plugin.endpoint, 60.0)
    await other.probe()
    why = "failed to decrypt DEK, error: rpc error: code = InvalidArgument desc = no key 1"
    with pytest.raises(TransformError, match=why):
        await other.transformer.from_storage(old, PATH)
    await other.close()


async def test_a_plugin_may_come_later_and_go_and_come_back(plugin: Plugin, provider: KMSProvider) -> None:
    provider = KMSProvider("vault", plugin.endpoint, 0.3)
    await plugin.stop()
    await provider.probe()
    with pytest.raises(TransformError, match="got unexpected nil transformer"):
        await provider.transformer.to_storage(TEXT, PATH)
    await plugin.start()
    await _until_healthy(provider)
    stored = await provider.transformer.to_storage(TEXT, PATH)

    await plugin.stop()
    await provider.probe()
    with pytest.raises(TransformError, match="failed to perform status section of the healthz check for KMS Provider"):
        await provider.check()
    # What is known is read, and written with for some minutes.
    assert await provider.transformer.from_storage(stored, PATH) == (TEXT, False)
    await provider.transformer.to_storage(TEXT, PATH)
    await plugin.start()
    await _until_healthy(provider)
    assert await provider.transformer.from_storage(stored, PATH) == (TEXT, False)
    await provider.close()


async def _until_healthy(provider: KMSProvider) -> None:
    async with asyncio.timeout(60):
        while True:
            await provider.probe()
            with contextlib.suppress(TransformError):
                return await provider.check()


async def test_writes_end_when_a_key_was_not_confirmed_for_minutes(provider: KMSProvider, later: None) -> None:
    clock.set_wall_clock(None)
    await provider.probe()
    stored = await provider.transformer.to_storage(TEXT, PATH)
    expires = provider.state().expires
    now = clock.time_seconds()
    clock.set_wall_clock(lambda: now + 240)
    with pytest.raises(TransformError, match=r'^encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at'):
        await provider.transformer.to_storage(TEXT, PATH)
    assert await provider.transformer.from_storage(stored, PATH) == (TEXT, False)
    await provider.probe()
    assert provider.state().expires - expires > timedelta(minutes=3)
    await provider.transformer.to_storage(TEXT, PATH)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("healthz", "sick", "kmsv2 Provider vault is not healthy, error: got unexpected healthz status: sick"),
        ("version", "v1", "kmsv2 Provider vault is not healthy, error: expected KMSv2 API version v2, got v1"),
        ("key_id", "", 'is not healthy, error: got invalid KMSv2 KeyID hash "": keyID is empty'),
    ],
)
async def test_an_ill_plugin_is_told(plugin: Plugin, provider: KMSProvider, field: str, value: str, why: str) -> None:
    setattr(plugin, field, value)
    with pytest.raises(TransformError, match=why):
        await provider.check()


async def test_a_check_stands_for_some_seconds(plugin: Plugin, provider: KMSProvider) -> None:
    await provider.check()
    await provider.check()
    assert plugin.calls == ["status", "encrypt"]


async def test_a_plugin_whose_two_answers_differ_changes_nothing(plugin: Plugin, provider: KMSProvider) -> None:
    await provider.probe()
    before = provider.state()
    plugin.rotate("2")
    plugin.annotations = {"short": b""}
    await provider.probe()
    assert provider.state() is before
    with pytest.raises(TransformError, match="should be a domain with at least two segments separated by dots"):
        await provider.check()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"encryptedData": b""}, "encrypted data is empty"),
        ({"encryptedDEKSource": b""}, "encrypted DEK source is empty"),
        ({"encryptedDEKSource": bytes(1025)}, "1025 bytes, which exceeds the max size of 1024"),
        ({"keyID": ""}, "failed to validate key id: keyID is empty"),
        ({"annotations": {"a.b": bytes(40_000)}}, "total size of annotations is 40003"),
        ({"encryptedDEKSourceType": 7}, "unknown encryptedDEKSourceType: 7"),
    ],
)
def test_stored_forms_that_are_refused(changed: dict[str, object], why: str) -> None:
    good: dict[str, object] = {"encryptedData": b"x", "keyID": "1", "encryptedDEKSource": b"x"}
    with pytest.raises(TransformError, match=why):
        check(pb.EncryptedObject(**{**good, **changed}))  # type: ignore[arg-type]


def test_key_ids_have_a_limit() -> None:
    with pytest.raises(TransformError, match="keyID is 1025 bytes, which exceeds the max size of 1024"):
        check_key_id("k" * 1025)


def test_endpoints_name_files_and_abstract_sockets() -> None:
    assert socket("unix:///run/kms.sock") == "/run/kms.sock"
    assert socket("unix:///@kms") == "@kms"


async def test_garbage_is_refused(provider: KMSProvider) -> None:
    await provider.probe()
    with pytest.raises(TransformError, match="cannot parse invalid wire-format data"):
        await provider.transformer.from_storage(b"\xff\xff", PATH)


def test_writes_outlive_several_polls_of_a_failing_plugin() -> None:
    window = providers._WRITE_TTL.total_seconds() - providers._HEALTHY_PERIOD
    assert window / providers._FAILING_PERIOD >= 10
