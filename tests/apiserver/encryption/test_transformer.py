"""Providers' stored forms: round trips, wrong keys, tampering, values that were moved, rotation."""

import base64
import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pynetes.apiserver.encryption.aes import CBC, GCM, DerivedGCM
from pynetes.apiserver.encryption.providers import build
from pynetes.apiserver.encryption.secretbox import Secretbox
from pynetes.apiserver.encryption.transformer import Identity, Prefixed, Transformer, TransformError

PATH = b"/registry/core/secrets/default/web"
OTHER = b"/registry/core/secrets/default/other"
TEXT = b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"web"}}'
KEY, OTHER_KEY = b"k" * 32, b"o" * 32

ALL: dict[str, Callable[[bytes], Transformer]] = {
    "aesgcm": GCM,
    "aescbc": CBC,
    "secretbox": Secretbox,
    "derived": DerivedGCM,
}
AUTHENTICATING = ("aesgcm", "secretbox", "derived")
BOUND_TO_PATH = ("aesgcm", "derived")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 70_000])
async def test_what_is_written_is_read(name: str, size: int) -> None:
    transformer, plain = ALL[name](KEY), os.urandom(size)
    stored = await transformer.to_storage(plain, PATH)
    assert stored != await transformer.to_storage(plain, PATH)  # never the same twice
    assert await transformer.from_storage(stored, PATH) == (plain, False)


@pytest.mark.parametrize("length", [16, 24, 32])
async def test_aes_has_three_lengths_of_keys(length: int) -> None:
    for make in (GCM, CBC):
        transformer = make(b"k" * length)
        assert (await transformer.from_storage(await transformer.to_storage(TEXT, PATH), PATH))[0] == TEXT


@pytest.mark.parametrize("name", ALL)
async def test_another_key_does_not_read(name: str) -> None:
    stored = await ALL[name](KEY).to_storage(TEXT, PATH)
    try:
        read, _ = await ALL[name](OTHER_KEY).from_storage(stored, PATH)
    except TransformError:
        return
    assert name == "aescbc"  # whose padding fits by chance once in 256 times
    assert read != TEXT


@pytest.mark.parametrize("name", AUTHENTICATING)
async def test_no_bit_can_be_changed(name: str) -> None:
    transformer = ALL[name](KEY)
    stored = await transformer.to_storage(TEXT, PATH)
    for at in range(len(stored)):
        changed = bytearray(stored)
        changed[at] ^= 1
        with pytest.raises(TransformError):
            await transformer.from_storage(bytes(changed), PATH)


@pytest.mark.parametrize("name", ALL)
async def test_what_is_cut_short_is_refused(name: str) -> None:
    transformer = ALL[name](KEY)
    stored = await transformer.to_storage(TEXT, PATH)
    for length in (0, 3, 11):
        with pytest.raises(TransformError, match="shorter than the required size"):
            await transformer.from_storage(stored[:length], PATH)


@pytest.mark.parametrize("name", BOUND_TO_PATH)
async def test_a_value_that_was_moved_is_refused(name: str) -> None:
    transformer = ALL[name](KEY)
    stored = await transformer.to_storage(TEXT, PATH)
    with pytest.raises(TransformError, match="cipher: message authentication failed"):
        await transformer.from_storage(stored, OTHER)


async def test_gcm_stores_nonce_then_ciphertext_with_the_path_authenticated() -> None:
    stored = await GCM(KEY).to_storage(TEXT, PATH)
    assert AESGCM(KEY).decrypt(stored[:12], stored[12:], PATH) == TEXT


async def test_derived_keys_are_those_that_hkdf_expands_the_seed_to() -> None:
    stored = await DerivedGCM(KEY).to_storage(TEXT, PATH)
    key = HKDFExpand(SHA256(), 32, stored[:32]).derive(KEY)
    assert AESGCM(key).decrypt(stored[32:44], stored[44:], PATH) == TEXT


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (bytes(17), "the stored data is not a multiple of the block size"),
        (bytes(16), r"invalid PKCS7 data \(empty or not padded\)"),
    ],
)
async def test_cbc_says_what_is_wrong(stored: bytes, why: str) -> None:
    with pytest.raises(TransformError, match=why):
        await CBC(KEY).from_storage(stored, PATH)


async def test_plain_text_refuses_what_is_encrypted() -> None:
    assert await Identity().from_storage(TEXT, PATH) == (TEXT, False)
    with pytest.raises(TransformError, match="identity transformer tried to read encrypted data"):
        await Identity().from_storage(b"k8s:enc:aesgcm:v1:a:x", PATH)


def _key(name: str, key: bytes) -> dict[str, str]:
    return {"name": name, "secret": base64.b64encode(key).decode()}


async def _of(*providers: object, resource: str = "secrets") -> Transformer:
    built = await build({"resources": [{"resources": [resource], "providers": list(providers)}]})
    return built.of("", "secrets")


GCM_A = {"aesgcm": {"keys": [_key("a", KEY)]}}
GCM_B_A = {"aesgcm": {"keys": [_key("b", OTHER_KEY), _key("a", KEY)]}}
CBC_A = {"aescbc": {"keys": [_key("a", KEY)]}}
BOX_A = {"secretbox": {"keys": [_key("a", KEY)]}}
PLAIN: dict[str, object] = {"identity": {}}


@pytest.mark.parametrize("provider", [GCM_A, CBC_A, BOX_A])
async def test_stored_values_begin_with_provider_and_key(provider: dict[str, object]) -> None:
    (kind,) = provider
    stored = await (await _of(provider)).to_storage(TEXT, PATH)
    assert stored.startswith(f"k8s:enc:{kind}:v1:a:".encode())
    assert TEXT not in stored


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((PLAIN,), (GCM_A, PLAIN)),
        ((GCM_A,), (GCM_B_A,)),
        ((GCM_A,), (BOX_A, GCM_A)),
        ((CBC_A, PLAIN), (PLAIN, CBC_A)),
        ((GCM_A,), ({"aesgcm": {"keys": [_key("b", OTHER_KEY)]}}, GCM_A)),
    ],
)
async def test_rotation_reads_the_old_as_stale(before: tuple[object, ...], after: tuple[object, ...]) -> None:
    old, new = await _of(*before), await _of(*after)
    assert await new.from_storage(await old.to_storage(TEXT, PATH), PATH) == (TEXT, True)
    assert await new.from_storage(await new.to_storage(TEXT, PATH), PATH) == (TEXT, False)


async def test_one_name_with_two_keys_is_tried_with_both() -> None:
    """The first provider has the same prefix and fails; the second reads."""
    renewed = await _of({"aesgcm": {"keys": [_key("a", OTHER_KEY)]}}, GCM_A)
    stored = await (await _of(GCM_A)).to_storage(TEXT, PATH)
    assert await renewed.from_storage(stored, PATH) == (TEXT, True)


@pytest.mark.parametrize(
    ("providers", "why"),
    [
        ((PLAIN,), "no matching prefix found"),
        ((CBC_A,), "no matching prefix found"),
        (({"aesgcm": {"keys": [_key("b", KEY)]}},), "no matching key was found for the provided AES transformer"),
        (({"aesgcm": {"keys": [_key("a", OTHER_KEY)]}},), "cipher: message authentication failed"),
    ],
)
async def test_errors_say_why_nothing_reads(providers: tuple[object, ...], why: str) -> None:
    stored = await (await _of(GCM_A)).to_storage(TEXT, PATH)
    with pytest.raises(TransformError, match=f"^{why}$"):
        await (await _of(*providers)).from_storage(stored, PATH)


async def test_several_errors_are_told_together() -> None:
    both = Prefixed([(b"x", GCM(KEY)), (b"x", CBC(KEY))], "none")
    with pytest.raises(TransformError, match=r"^\[cipher: message authentication failed, the stored .* block size\]$"):
        await both.from_storage(b"x" + bytes(29), PATH)


@pytest.mark.parametrize(
    ("rule", "group", "resource", "covered"),
    [
        ("secrets", "", "secrets", True),
        ("secrets", "", "configmaps", False),
        ("*.", "", "configmaps", True),
        ("*.", "apps", "deployments", False),
        ("*.apps", "apps", "deployments", True),
        ("deployments.apps", "apps", "deployments", True),
        ("deployments.apps", "apps", "replicasets", False),
        ("*.*", "example.com", "widgets", True),
    ],
)
async def test_rules_cover_resources_groups_or_all(rule: str, group: str, resource: str, covered: bool) -> None:
    built = await build({"resources": [{"resources": [rule], "providers": [GCM_A]}]})
    stored = await built.of(group, resource).to_storage(TEXT, PATH)
    assert stored.startswith(b"k8s:enc:") == covered


async def test_the_most_precise_rule_counts() -> None:
    rules = [("secrets", PLAIN), ("*.", CBC_A), ("*.*", GCM_A)]
    built = await build({"resources": [{"resources": [rule], "providers": [conf]} for rule, conf in rules]})
    starts = [
        (await built.of(*pair).to_storage(TEXT, PATH))[:14]
        for pair in (("", "secrets"), ("", "pods"), ("apps", "deployments"))
    ]
    assert starts == [TEXT[:14], b"k8s:enc:aescbc", b"k8s:enc:aesgcm"]
