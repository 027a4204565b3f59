"""A store that encrypts: plain values above, encrypted ones below, errors told by key."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.encryption import measures
from pynetes.apiserver.encryption.aes import GCM
from pynetes.apiserver.encryption.store import EncryptedStore
from pynetes.apiserver.encryption.transformer import Identity, Prefixed, Transformer, TransformError
from pynetes.component import metrics
from pynetes.storage import KeyExists, RevisionConflict, Store, open_store

PREFIX = "/registry/core/secrets/"
KEY = f"{PREFIX}default/web"


class Rotating:
    """The transformer in force, which tests change."""

    def __init__(self) -> None:
        self.now: Transformer = Prefixed([(b"k8s:enc:1:", GCM(b"1" * 32))], "none")

    def rotate(self) -> None:
        self.now = Prefixed([(b"k8s:enc:2:", GCM(b"2" * 32)), (b"k8s:enc:1:", GCM(b"1" * 32))], "none")


@pytest.fixture
async def raw() -> AsyncIterator[Store]:
    store = await open_store("memory:")
    yield store
    await store.close()


@pytest.fixture
def rotating() -> Rotating:
    return Rotating()


@pytest.fixture
def store(raw: Store, rotating: Rotating) -> EncryptedStore:
    return EncryptedStore(raw, lambda: rotating.now)


async def test_above_is_plain_and_below_is_not(store: EncryptedStore, raw: Store) -> None:
    made = await store.create(KEY, b"plain")
    assert made.value == b"plain"
    changed = await store.update(KEY, b"changed", expected=made.mod_revision)
    assert changed.value == b"changed"
    found, _ = await store.get(KEY)
    assert found == changed
    old, _ = await store.get(KEY, revision=made.mod_revision)
    assert old == made
    assert (await store.list(PREFIX)).items == [changed]
    below, _ = await raw.get(KEY)
    assert below is not None
    assert below.value.startswith(b"k8s:enc:1:")
    assert b"changed" not in below.value
    assert (await store.delete(KEY, expected=changed.mod_revision)).value == b"changed"
    assert await store.get(KEY) == (None, await store.revision())


@pytest.mark.parametrize(
    ("stored", "prefix"),
    [
        (b'{"kind":"Secret"}', "identity"),
        (b"k8s:enc:aescbc:v1:key1:\xff\x00:more", "k8s:enc:aescbc:v1:key1:"),
        (b"k8s:enc:kms:v2:vault:x", "k8s:enc:kms:v2:vault:"),
    ],
)
def test_metrics_tell_providers_and_keys_apart(stored: bytes, prefix: str) -> None:
    assert measures.prefix_of(stored) == prefix


async def test_transformations_are_counted(raw: Store, rotating: Rotating) -> None:
    store = EncryptedStore(raw, lambda: rotating.now, "counted")
    await store.create(KEY, b"plain")
    await store.get(KEY)
    shown = [line for line in metrics.render().decode().splitlines() if 'resource="counted"' in line]
    directions = [line.split('transformation_type="')[1].split('"')[0] for line in shown if 'status="OK"' in line]
    assert sorted(directions) == ["from_storage", "to_storage"]


async def test_conflicts_show_plain_values(store: EncryptedStore) -> None:
    made = await store.create(KEY, b"plain")
    with pytest.raises(KeyExists) as exists:
        await store.create(KEY, b"again")
    assert exists.value.current == made
    with pytest.raises(RevisionConflict) as lost:
        await store.update(KEY, b"again", expected=99)
    assert lost.value.current == made
    with pytest.raises(RevisionConflict) as lost:
        await store.delete(KEY, expected=99)
    assert lost.value.current == made
    with pytest.raises(RevisionConflict) as lost:
        await store.update(f"{KEY}2", b"again", expected=99)
    assert lost.value.current is None


async def test_a_watch_tells_plain_values_of_puts_and_deletes(store: EncryptedStore) -> None:
    async with store.watch(PREFIX, start=1) as watch:
        made = await store.create(KEY, b"plain")
        await store.delete(KEY, expected=made.mod_revision)
        told: list[tuple[str, bytes]] = []
        while len(told) < 2:
            told += [(event.type, event.kv.value) for event in (await watch.__anext__()).events]
        assert told == [("PUT", b"plain"), ("DELETE", b"plain")]
        assert watch.progress >= made.mod_revision


async def test_a_watch_has_not_told_what_is_still_being_decrypted(raw: Store) -> None:
    """A consistent read must not believe that a cache has what waits for a plugin."""
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(Identity):
        async def from_storage(self, data: bytes, path: bytes) -> tuple[bytes, bool]:
            asked.set()
            await answer.wait()
            return data, False

    store = EncryptedStore(raw, Slow)
    async with store.watch(PREFIX, start=1) as watch:
        made = await store.create(KEY, b"plain")
        telling = asyncio.ensure_future(watch.__anext__())
        await asked.wait()
        assert watch.progress < made.mod_revision
        answer.set()
        assert (await telling).revision == made.mod_revision
        assert watch.progress >= made.mod_revision


async def test_what_an_old_key_wrote_is_stale_until_it_is_written_again(
    store: EncryptedStore, rotating: Rotating
) -> None:
    made = await store.create(KEY, b"plain")
    assert not await store.is_stale(KEY)
    rotating.rotate()
    assert await store.is_stale(KEY)
    await store.update(KEY, b"plain", expected=made.mod_revision)
    assert not await store.is_stale(KEY)
    assert await store.is_stale(f"{KEY}2")


async def test_a_value_that_was_moved_is_refused_by_its_key(store: EncryptedStore, raw: Store) -> None:
    await store.create(KEY, b"plain")
    below, _ = await raw.get(KEY)
    assert below is not None
    await raw.create(f"{PREFIX}default/moved", below.value)
    with pytest.raises(StatusError) as refused:
        await store.list(PREFIX)
    assert (refused.value.code, refused.value.reason) == (500, "InternalError")
    assert refused.value.message == (
        f'Internal error occurred: unable to transform key "{PREFIX}default/moved": '
        "cipher: message authentication failed"
    )
    with pytest.raises(StatusError, match="message authentication failed"):
        await store.get(f"{PREFIX}default/moved")


async def test_what_cannot_be_encrypted_is_not_written(raw: Store) -> None:
    class Broken(Identity):
        async def to_storage(self, data: bytes, path: bytes) -> bytes:
            raise TransformError("no key")

    store = EncryptedStore(raw, Broken)
    with pytest.raises(StatusError, match="Internal error occurred: no key"):
        await store.create(KEY, base64.b64encode(b"plain"))
    assert (await raw.get(KEY))[0] is None
