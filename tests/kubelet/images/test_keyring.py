"""Which credentials are tried for which image."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pynetes.kubelet.images.keyring import Keyring, from_secrets, node_keyring


def users(keyring: Keyring, repository: str) -> list[str]:
    return [credential.username for credential in keyring.lookup(repository)]


@pytest.mark.parametrize(
    ("location", "repository", "matches"),
    [
        ("registry.example", "registry.example/app", True),
        ("https://registry.example", "registry.example/app", True),
        ("https://registry.example/v2/", "registry.example/app", True),
        ("http://registry.example/v1/", "registry.example/app", True),
        ("registry.example/team", "registry.example/team/app", True),
        ("registry.example/team", "registry.example/other/app", False),
        ("registry.example:5000", "registry.example:5000/app", True),
        ("registry.example:5000", "registry.example/app", False),
        ("*.example", "registry.example/app", True),
        ("*.example", "a.b.example/app", False),
        ("*.*.example", "a.b.example/app", True),
        ("https://index.docker.io/v1/", "docker.io/library/nginx", True),
        ("docker.io", "docker.io/library/nginx", True),
        ("https://index.docker.io/v1/", "registry.example/nginx", False),
    ],
)
def test_matching(location: str, repository: str, matches: bool) -> None:
    keyring = Keyring()
    keyring.add({location: {"username": "u", "password": "p"}})
    assert users(keyring, repository) == (["u"] if matches else [])


def test_the_most_specific_comes_first_and_all_are_tried() -> None:
    keyring = Keyring()
    keyring.add({"r.example": {"username": "whole"}, "r.example/team": {"username": "team"}})
    assert users(keyring, "r.example/team/app") == ["team", "whole"]
    assert users(keyring, "r.example/app") == ["whole"]


def docker_secret(config: dict[str, Any], kind: str = "kubernetes.io/dockerconfigjson") -> dict[str, Any]:
    key = ".dockerconfigjson" if kind.endswith("json") else ".dockercfg"
    data = {key: base64.b64encode(json.dumps(config).encode()).decode()}
    return {"metadata": {"name": "s", "namespace": "ns", "uid": "u"}, "type": kind, "data": data}


def test_secrets_of_both_types_and_encoded_logins() -> None:
    auth = base64.b64encode(b"joe:pa:ss").decode()
    keyring = from_secrets(
        [
            docker_secret({"auths": {"a.example": {"auth": auth}}}),
            docker_secret({"b.example": {"username": "ann", "password": "x"}}, "kubernetes.io/dockercfg"),
            {"metadata": {"name": "o"}, "type": "Opaque", "data": {".dockercfg": "e30="}},
        ]
    )
    found = keyring.lookup("a.example/app")[0]
    assert (found.username, found.password) == ("joe", "pa:ss")
    assert found.source is not None
    assert found.source.name == "s"
    assert users(keyring, "b.example/app") == ["ann"]


def test_a_broken_secret_is_an_error() -> None:
    secret = docker_secret({})
    secret["data"][".dockerconfigjson"] = base64.b64encode(b"{").decode()
    with pytest.raises(ValueError):
        from_secrets([secret])


def test_the_nodes_own_config(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    assert users(node_keyring(path), "a.example/app") == []
    path.write_text("{")
    assert users(node_keyring(path), "a.example/app") == []
    path.write_text(json.dumps({"auths": {"a.example": {"username": "node", "password": "x"}}}))
    assert users(node_keyring(path), "a.example/app") == ["node"]
