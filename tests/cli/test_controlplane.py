"""What further control planes are given, and who gets it, against a real API server."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pynetes.apis.names import ROLE_BINDINGS, ROLES, SECRETS
from pynetes.cli import controlplane, etcd, join, storeurl, tokens
from pynetes.cli.controlplane import Bundle, encrypt, opened, parse_key
from pynetes.cli.join import JoinError
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.cli.tokens import Grant
from pynetes.client.kubeconfig import Config
from pynetes.component import pki
from pynetes.component.pki import Node
from tests.cli.test_join import running

SETTINGS = Settings("m1", "192.0.2.1", store="etcd:")
KEY = bytes(32)


def made(tmp_path: Path) -> Layout:
    """A first control plane's files."""
    layout = Layout(tmp_path / "first", tmp_path / "run")
    layout.make()
    pki.ensure_etcd(pki.ensure(layout.pki), Node("m1", ("192.0.2.1",)))
    storeurl.save(layout, storeurl.parse("etcd:"))
    return layout


def secret(layout: Layout, key: bytes = KEY) -> dict[str, dict[str, str]]:
    found = controlplane.contents(layout, SETTINGS)
    return {"data": {name: base64.b64encode(encrypt(key, data)).decode() for name, data in found.items()}}


def test_what_is_given_makes_the_same_authorities_elsewhere(tmp_path: Path) -> None:
    first, second = made(tmp_path), Layout(tmp_path / "second", tmp_path / "run")
    bundle = opened(secret(first), KEY)
    second.make()
    bundle.write(second)
    for path in ("ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key"):
        copied = second.pki / path
        assert copied.read_bytes() == (first.pki / path).read_bytes()
        assert copied.stat().st_mode & 0o777 == (0o600 if path.endswith(".key") else 0o644)
    assert not (second.pki / "admin.key").exists()
    assert etcd.load_members(second.etcd_members) == [
        etcd.KnownMember("m1", ("https://192.0.2.1:2380",), ("https://192.0.2.1:2379",))
    ]
    assert storeurl.load(second).managed


def test_an_external_stores_url_is_given_with_its_password(tmp_path: Path) -> None:
    first = made(tmp_path)
    url = "postgres://me:secret@db/state"
    storeurl.save(first, storeurl.parse(url))
    bundle = opened(secret(first), KEY)
    assert bundle.store.url == url
    assert bundle.members == []
    assert "etcd-ca.key" not in bundle.files


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    first = made(tmp_path)
    with pytest.raises(JoinError, match="the certificate key is wrong"):
        opened(secret(first), b"x" * 32)
    cut = secret(first)
    del cut["data"]["sa.key"]
    with pytest.raises(JoinError, match=r"sa\.key is missing"):
        opened(cut, KEY)
    with pytest.raises(JoinError, match="cannot be used"):
        opened({}, KEY)


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_what_is_no_certificate_key_is_refused(text: str) -> None:
    with pytest.raises(JoinError, match="64 hexadecimal digits"):
        parse_key(text)


def test_sqlite_has_one_control_plane() -> None:
    controlplane.refuse_unshared("etcd:", "https://h:6443")
    with pytest.raises(JoinError, match=r"one control plane only: make a cluster with --store etcd:.*pynetes agent"):
        controlplane.refuse_unshared("sqlite:", "https://h:6443")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"secure_port": None, "service_cidr": "10.96.0.0/12"}, ""),
        ({"secure_port": 7000}, "--secure-port 7000: in this cluster it is 6443: leave it out"),
        ({"service_cidr": "10.0.0.0/16"}, "--service-cluster-ip-range 10.0.0.0/16: in this cluster it is 10.96.0.0/12"),
    ],
)
def test_what_the_cluster_shares_is_the_same_everywhere(given: dict[str, Any], problem: str) -> None:
    shared = {"secure_port": 6443, "service_cidr": "10.96.0.0/12"}
    if not problem:
        controlplane.refuse_others(given, shared)
        return
    with pytest.raises(JoinError, match=re.escape(problem)):
        controlplane.refuse_others(given, shared)


def test_a_name_belongs_to_one_control_plane(tmp_path: Path) -> None:
    bundle = opened(secret(made(tmp_path)), KEY)
    bundle.check(Settings("m2", "192.0.2.2", store="etcd:"))
    bundle.check(SETTINGS)  # the same machine again
    with pytest.raises(JoinError, match="has a control plane named m1 already"):
        bundle.check(Settings("m1", "192.0.2.2", store="etcd:"))


async def test_only_the_tokens_holder_reads_it_and_only_with_the_key(tmp_path: Path) -> None:
    layout = made(tmp_path)
    async with running(tmp_path / "pki") as server:
        token, other = tokens.new(), await server.token()
        key = await controlplane.upload(server.client, layout, SETTINGS, token, Grant(controlplane.DEFAULT_TTL))
        config = Config(server.url, ca=server.ca_pem, token=str(token))
        bundle = await controlplane.fetch(config, token, key)
        assert isinstance(bundle, Bundle)
        assert bundle.files["sa.key"] == (layout.pki / "sa.key").read_bytes()
        with pytest.raises(JoinError, match="the certificate key is wrong"):
            await controlplane.fetch(config, token, KEY)
        for asked in (token, other):  # neither theirs nor their own, which there is not
            with pytest.raises(JoinError, match=f'the token "{asked.id}" is not one for control planes'):
                await controlplane.fetch(replace(config, token=str(other)), asked, key)
        name = controlplane.secret_name(token)
        assert "BEGIN" not in str(await server.client.get(SECRETS, name, "kube-system"))
        uid = (await server.client.get(SECRETS, f"bootstrap-token-{token.id}", "kube-system"))["metadata"]["uid"]
        for gvr in (SECRETS, ROLES, ROLE_BINDINGS):
            (owner,) = (await server.client.get(gvr, name, "kube-system"))["metadata"]["ownerReferences"]
            assert owner["uid"] == uid
        shared = await join.read_settings(config)
        assert shared["store"] == "sqlite:"


def test_the_join_command_is_the_nodes_with_the_key() -> None:
    command = controlplane.join_command("pynetes agent --server https://h:6443 --token a.b", KEY)
    assert re.fullmatch(r"pynetes server --server https://h:6443 --token a\.b --certificate-key 0{64}", command)
