"""The configuration file: what is refused, and in which words."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from pynetes.apiserver.encryption.config import ConfigError, load
from pynetes.apiserver.encryption.providers import build

SECRET = base64.b64encode(b"k" * 32).decode()
KEYS = {"keys": [{"name": "a", "secret": SECRET}]}
KMS = {"apiVersion": "v2", "name": "vault", "endpoint": "unix:///run/kms.sock"}


def conf(*resources: dict[str, Any]) -> str:
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    return yaml.safe_dump({**head, "resources": list(resources)})


def rule(*names: str, providers: list[Any] | None = None) -> dict[str, Any]:
    return {"resources": list(names), "providers": [{"identity": {}}] if providers is None else providers}


def keyed(kind: str, *keys: dict[str, str]) -> str:
    return conf(rule("secrets", providers=[{kind: {"keys": list(keys)}}]))


def kms(**changed: Any) -> str:
    return conf(rule("secrets", providers=[{"kms": {**KMS, **changed}}]))


OVERLAP = (
    "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be "
    "masked"
)
AT = "resources[0].resources"
PROVIDER = "resources[0].providers[0]"

REFUSED = {
    "no resources": (conf(), "resources: Required value: at least one resources is required"),
    "no names": (conf(rule()), f"{AT}: Required value: at least one {AT} is required"),
    "no providers": (
        conf(rule("secrets", providers=[])),
        "resources[0].providers: Required value: at least one resources[0].providers is required",
    ),
    "capital": (
        conf(rule("Secrets")),
        f'{AT}[0]: Invalid value: "Secrets": resource name should not contain capital letters',
    ),
    "star": (
        conf(rule("*")),
        f"{AT}[0]: Invalid value: \"*\": use '*.' to encrypt all the resources from core API group or *.* to encrypt "
        "all resources",
    ),
    "no API": (
        conf(rule("serviceipallocations")),
        f'{AT}[0]: Invalid value: "serviceipallocations": resources which do not have REST API/s cannot be encrypted',
    ),
    "events": (
        conf(rule("events.events.k8s.io")),
        f"{AT}[0]: Invalid value: \"events.events.k8s.io\": '*.events.k8s.io' objects are stored using the 'events' "
        "API group in etcd. Use 'events' instead in the config file",
    ),
    "extensions": (
        conf(rule("*.extensions")),
        f"{AT}[0]: Invalid value: \"*.extensions\": 'extensions' group has been removed and cannot be used for "
        "encryption",
    ),
    "across groups": (
        conf(rule("secrets.*")),
        f'{AT}[0]: Invalid value: "secrets.*": encrypting the same resource across groups is not supported',
    ),
    "twice": (
        conf(rule("secrets", "secrets")),
        f'{AT}: Invalid value: ["secrets","secrets"]: the same resource cannot be specified multiple times',
    ),
    "overlap": (conf(rule("secrets", "*.")), f'{AT}: Invalid value: ["secrets","*."]: {OVERLAP}'),
    "overlap with all": (conf(rule("*.*", "jobs.batch")), f'{AT}: Invalid value: ["*.*","jobs.batch"]: {OVERLAP}'),
    "empty provider": (
        conf(rule("secrets", providers=[{}])),
        f"{PROVIDER}: Invalid value: {{}}: provider does not contain any of the expected providers: KMS, AESGCM, "
        "AESCBC, Secretbox, Identity",
    ),
    "two providers in one": (
        conf(rule("secrets", providers=[{"aesgcm": KEYS, "identity": {}}])),
        f'{PROVIDER}: Invalid value: {{"aesgcm":"REDACTED","identity":"REDACTED"}}: more than one provider specified '
        "in a single element, should split into different list elements",
    ),
    "no keys": (keyed("aesgcm"), f"{PROVIDER}.aesgcm.keys: Required value: at least one keys is required"),
    "no name": (
        keyed("aescbc", {"secret": SECRET}),
        f"{PROVIDER}.aescbc.keys[0].name: Required value: name is a mandatory field for a key",
    ),
    "no secret": (
        keyed("aescbc", {"name": "a"}),
        f"{PROVIDER}.aescbc.keys[0].secret: Required value: secret is a mandatory field for a key",
    ),
    "not base64": (
        keyed("aesgcm", {"name": "a", "secret": "%"}),
        f'{PROVIDER}.aesgcm.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded',
    ),
    "length": (
        keyed("aesgcm", {"name": "a", "secret": "YWJj"}),
        f'{PROVIDER}.aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 3, '
        "expected one of [16 24 32]",
    ),
    "length for secretbox": (
        keyed("secretbox", {"name": "a", "secret": base64.b64encode(bytes(16)).decode()}),
        f'{PROVIDER}.secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got '
        "16, expected one of [32]",
    ),
    "plugin's name": (kms(name=""), f"{PROVIDER}.kms.name: Required value: name is a mandatory field for a provider"),
    "colon": (
        kms(name="a:b"),
        f"{PROVIDER}.kms.name: Invalid value: \"a:b\": invalid KMS provider name a:b, must not contain ':'",
    ),
    "timeout": (
        kms(timeout="-1s"),
        f'{PROVIDER}.kms.timeout: Invalid value: "-1s": timeout should be a positive value',
    ),
    "endpoint": (
        kms(endpoint=""),
        f'{PROVIDER}.kms.endpoint: Invalid value: "": endpoint is a mandatory field for a kms',
    ),
    "scheme": (
        kms(endpoint="tcp://localhost:1"),
        f'{PROVIDER}.kms.endpoint: Invalid value: "tcp://localhost:1": unsupported scheme "tcp" for KMS provider, only '
        "unix is supported",
    ),
    "cache": (kms(cachesize=1), f"{PROVIDER}.kms.cachesize: Invalid value: 1: cachesize is not supported in v2"),
    "version": (
        kms(apiVersion="v3"),
        f'{PROVIDER}.kms.apiVersion: Invalid value: "v3": unsupported apiVersion apiVersion for KMS provider, only v1 '
        "and v2 are supported",
    ),
    "same name": (
        conf(rule("secrets", providers=[{"kms": KMS}]), rule("configmaps", providers=[{"kms": KMS}])),
        'resources[1].providers[0].kms.name: Invalid value: "vault": duplicate KMS provider name vault, names must be '
        "unique",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    text, why = REFUSED[case]
    path = tmp_path / "encryption.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(path, reload=False)
    assert str(refused.value) == f"error while parsing file: {why}"


def test_several_errors_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_text(conf(rule("Secrets", providers=[])))
    with pytest.raises(ConfigError, match=r"^error while parsing file: \[resources\[0\]\.resources\[0\]: .*, res.*\]$"):
        load(path, reload=False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "error converting YAML to JSON"),
        ("a: 1", "Object 'Kind' is missing"),
        ("kind: EncryptionConfiguration", "Object 'apiVersion' is missing"),
        ("apiVersion: v9\nkind: Nothing", 'no kind "Nothing" is registered for version "v9"'),
        (
            conf(rule("secrets", providers=[{"kms": {**KMS, "pandas": 3}}])),
            'strict decoding error: unknown field "resources[0].providers[0].kms.pandas"',
        ),
    ],
)
def test_what_cannot_be_decoded(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(path, reload=False)
    start = f'error while parsing file: error decoding encryption provider configuration file "{path}": '
    assert str(refused.value).startswith(start + why)


def test_files_that_are_not_there_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    start = "error while parsing file: error while loading file"
    reading = f'{start}: error reading encryption provider configuration file "{path}"'
    with pytest.raises(ConfigError) as refused:
        load(path, reload=False)
    assert str(refused.value) == f"{reading}: open {path}: no such file or directory"
    path.write_text("")
    with pytest.raises(ConfigError, match=r"is empty$"):
        load(path, reload=False)


def test_defaults(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_text(kms())
    found = load(path, reload=False).document["resources"][0]["providers"][0]["kms"]
    assert found == {**KMS, "timeout": 3.0}


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("*.", "secrets", 'resource "secrets" is masked by earlier rule "*."'),
        ("*.apps", "deployments.apps", 'resource "deployments.apps" is masked by earlier rule "*.apps"'),
        ("*.*", "secrets", 'resource "secrets" is masked by earlier rule "*.*"'),
    ],
)
async def test_rules_that_never_would_count_are_refused(first: str, second: str, why: str) -> None:
    document = {"resources": [rule(first), rule(second)]}
    with pytest.raises(ConfigError) as refused:
        await build(document)
    assert str(refused.value) == f"error while building transformers: {why}"


async def test_the_first_version_of_kms_is_off(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    path.write_text(kms(apiVersion="v1"))
    with pytest.raises(ConfigError, match=r"KMSv1 is deprecated .* Use KMSv2 instead\.$"):
        await build(load(path, reload=False).document)
