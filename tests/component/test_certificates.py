"""Certificates and the PKI directory."""

import asyncio
import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from pynetes.component import certificates, clock, pki
from pynetes.component.certificates import CertificateFileError, Request


def test_a_whole_pki_is_made_with_private_keys_only_their_owner_reads(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path / "pki", addresses=("192.0.2.7",), nodes=(pki.Node("n1", ("192.0.2.8",)),))
    keys = sorted(made.directory.rglob("*.key"))
    clients = (made.admin, made.controller_manager, made.scheduler, made.kube_proxy, made.kubelet_client("n1"))
    assert {path.key for path in clients} <= set(keys)
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    kubelet = certificates.load_certificates(made.kubelet_client("n1").certificate)[0]
    assert kubelet.subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"


def test_a_second_ensure_changes_no_file(tmp_path: Path) -> None:
    pki.ensure(tmp_path, nodes=(pki.Node("n1"),))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    pki.ensure(tmp_path, nodes=(pki.Node("n1"),))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_new_address_renews_the_serving_certificate_alone(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.crt")}
    pki.ensure(tmp_path, addresses=("192.0.2.9",))
    changed = {path for path, data in before.items() if path.read_bytes() != data}
    assert changed == {made.apiserver.certificate}


def test_certificates_near_their_end_are_renewed_and_authorities_kept(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path)
    authority, leaf = made.ca.certificate.read_bytes(), made.admin.certificate.read_bytes()
    later = clock.time_seconds() + timedelta(days=300).total_seconds()
    clock.set_wall_clock(lambda: later)
    try:
        pki.ensure(tmp_path)
    finally:
        clock.set_wall_clock(None)
    assert made.ca.certificate.read_bytes() == authority
    assert made.admin.certificate.read_bytes() != leaf


def test_a_broken_leaf_is_replaced_and_a_broken_authority_refused(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path)
    made.admin.certificate.write_text("garbage")
    pki.ensure(tmp_path)
    assert b"BEGIN CERTIFICATE" in made.admin.certificate.read_bytes()
    made.ca.key.write_text("garbage")
    with pytest.raises(CertificateFileError, match=r"ca\.key"):
        pki.ensure(tmp_path)


def test_a_service_account_key_is_made_once_and_refused_when_broken(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path)
    made.service_account_public_key.write_text("another's")
    assert pki.ensure(tmp_path).service_account_public_key.read_text().startswith("-----BEGIN PUBLIC KEY")
    made.service_account_key.write_text("not a key")
    with pytest.raises(CertificateFileError, match=r"sa.key: not a PEM file"):
        pki.ensure(tmp_path)


def test_public_keys_load_from_public_and_private_pem(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path)
    from_private = certificates.load_public_keys(made.service_account_key)
    assert from_private == certificates.load_public_keys(made.service_account_public_key)
    key = rsa.generate_private_key(65537, 2048)
    certificates.write_file(tmp_path / "rsa.key", certificates.private_key_pem(key), mode=0o600)
    both = made.service_account_public_key.read_bytes() + certificates.public_key_pem(key.public_key())
    (tmp_path / "both.pub").write_bytes(both)
    assert certificates.load_public_keys(tmp_path / "both.pub") == [*from_private, key.public_key()]


def test_public_keys_load_from_certificates_among_other_blocks(tmp_path: Path) -> None:
    signer, other = certificates.new_authority("sa"), certificates.new_key()
    private = certificates.private_key_pem(other)
    (tmp_path / "keys").write_bytes(b"of two servers\n" + signer.certificate_pem + private)
    assert certificates.load_public_keys(tmp_path / "keys") == [signer.key.public_key(), other.public_key()]
    (tmp_path / "keys").write_bytes(b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")
    with pytest.raises(certificates.CertificateFileError, match="no public key"):
        certificates.load_public_keys(tmp_path / "keys")


def test_a_certificate_of_another_authority_is_not_ours() -> None:
    ours, theirs = certificates.new_authority("kubernetes"), certificates.new_authority("kubernetes")
    leaf = certificates.issue(theirs, Request("admin", client=True)).certificate
    assert certificates.issued_by(leaf, theirs.certificate)
    assert not certificates.issued_by(leaf, ours.certificate)


async def test_tls_works_both_ways_and_shows_the_client(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path)
    seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("ssl_object").getpeercert()
        seen.set_result(str(peer["subject"]))
        writer.close()

    context = certificates.server_context(made.apiserver.certificate, made.apiserver.key, [made.ca.certificate])
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = certificates.client_context(made.ca.certificate, made.scheduler.certificate, made.scheduler.key)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        assert "system:kube-scheduler" in await seen
        await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_a_strict_client_accepts_the_serving_certificate(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path)
    context = certificates.server_context(made.apiserver.certificate, made.apiserver.key)
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = certificates.client_context(made.ca.certificate)
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="kubernetes")
        await reader.read()
        writer.close()
        await writer.wait_closed()
