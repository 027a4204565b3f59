"""Certificates that are renewed under a running server: its own, and the authorities that it trusts."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pynetes.apiserver.certificatefiles import CertificateFiles
from pynetes.apiserver.config import ConfigurationError, NamedCertificate
from pynetes.apiserver.edge.tls import ServingTLS, openssl_name
from pynetes.apiserver.server import APIServer
from pynetes.component import certificates, pki
from pynetes.component.pki import PKI
from pynetes.testing import apiserver

TRUST = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"


async def asked(server: APIServer, ours: PKI, client: PKI, path: str = "/api/v1/namespaces/default") -> tuple[int, str]:
    """Status and answer to a client that trusts one PKI and has its certificate from another."""
    tls = certificates.client_context(ours.ca.certificate, client.admin.certificate, client.admin.key)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        answer = await session.get(f"https://127.0.0.1:{server.port}{path}")
        return answer.status, await answer.text()


def intermediate(root: certificates.KeyPair) -> certificates.KeyPair:
    """An authority that another one has signed."""
    own = certificates.new_authority("intermediate")
    made = x509.CertificateBuilder(
        issuer_name=root.certificate.subject,
        subject_name=own.certificate.subject,
        public_key=own.certificate.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=own.certificate.not_valid_before_utc,
        not_valid_after=own.certificate.not_valid_after_utc,
        extensions=list(own.certificate.extensions),
    )
    return certificates.KeyPair(made.sign(root.key, hashes.SHA256()), own.key)


def put(path: Path, source: Path) -> None:
    path.write_bytes(Path(source).read_bytes())


async def test_what_is_written_over_them_counts_from_the_next_connection_on(tmp_path: Path) -> None:
    first, second = (pki.ensure(tmp_path / name, addresses=("127.0.0.1",)) for name in ("first", "second"))
    (tmp_path / "live").mkdir()
    ca, certificate, key = (tmp_path / "live" / name for name in ("ca.crt", "tls.crt", "tls.key"))

    def use(files: PKI) -> None:
        put(ca, files.ca.certificate)
        put(certificate, files.apiserver.certificate)
        put(key, files.apiserver.key)

    use(first)
    config = apiserver.config(first, client_ca_file=ca, tls_cert_file=certificate, tls_private_key_file=key)
    async with APIServer(config) as server:
        await server.ready()
        assert (await asked(server, first, first))[0] == 200
        key.write_text("half of a key")
        await server._certificates.look()
        assert (await asked(server, first, first))[0] == 200
        key.write_bytes(first.apiserver.key.read_bytes())
        authority = certificates.load(first.ca.certificate, first.ca.key)
        middle = intermediate(authority)
        wanted = certificates.Request("far", organizations=("system:masters",), client=True)
        far = certificates.issue(middle, wanted)
        certificates.store(far, first.admin.certificate, first.admin.key)
        with pytest.raises(aiohttp.ClientError):
            await asked(server, first, first)
        with first.admin.certificate.open("ab") as chain:
            chain.write(middle.certificate_pem)
        assert (await asked(server, first, first))[0] == 200
        expired = certificates.Request("old", organizations=("system:masters",), client=True, days=0)
        certificates.store(certificates.issue(authority, expired), first.admin.certificate, first.admin.key)
        assert (await asked(server, first, first))[0] == 401
        use(second)
        await server._certificates.look()
        assert (await asked(server, second, second))[0] == 200
        with pytest.raises(aiohttp.ClientSSLError):
            await asked(server, first, second)
        with pytest.raises(aiohttp.ClientError):
            await asked(server, second, first)
        published = (await asked(server, second, second, TRUST))[1]
        assert published.count("BEGIN CERTIFICATE") == 2


async def test_a_file_that_comes_to_be_is_read(tmp_path: Path) -> None:
    found: list[str] = []

    async def reload() -> None:
        found.append((tmp_path / "a").read_text())

    files = CertificateFiles()
    files.follow([tmp_path / "a"], reload)
    await files.look()
    (tmp_path / "a").write_text("one")
    for _ in range(2):
        await files.look()
    assert found == ["one"]


async def test_a_client_that_asks_for_a_name_is_shown_its_certificate(tmp_path: Path) -> None:
    files = pki.ensure(tmp_path / "pki", addresses=("127.0.0.1",))
    pairs = {}
    for name in ("api.example.com", "implied.example.com"):
        pair = certificates.self_issued(certificates.Request(name, dns_names=(name,), server=True))
        pairs[name] = (tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
        certificates.store(pair, *pairs[name])
    named = (
        NamedCertificate(*pairs["implied.example.com"]),
        NamedCertificate(*pairs["api.example.com"], names=("*.Apps.example.com", "api.example.com")),
    )
    shown = {"API.example.com": 1, "a.apps.example.com": 1, "implied.example.com": 0, "b.a.apps.example.com": None}
    async with APIServer(apiserver.config(files, tls_sni_certificates=named)) as server:
        for asked_for, which in shown.items():
            tls = ssl.create_default_context()
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=tls, server_hostname=asked_for)
            der = writer.get_extra_info("ssl_object").getpeercert(True)
            writer.close()
            wanted = files.apiserver.certificate if which is None else named[which].certificate
            assert x509.load_der_x509_certificate(der) == certificates.load_certificates(wanted)[0]


def test_versions_and_suites_have_gos_names(tmp_path: Path) -> None:
    files = pki.ensure(tmp_path)
    pair = (files.apiserver.certificate, files.apiserver.key)
    suites = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_256_CBC_SHA")
    made = ServingTLS(*pair, min_version="VersionTLS10", cipher_suites=suites)
    assert made.context.minimum_version == ssl.TLSVersion.TLSv1_2
    chosen = {suite["name"] for suite in made.context.get_ciphers() if suite["protocol"] != "TLSv1.3"}
    assert chosen == {"ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA"}
    assert ServingTLS(*pair, min_version="VersionTLS13").context.minimum_version == ssl.TLSVersion.TLSv1_3
    with pytest.raises(ValueError, match='unknown tls version "VersionTLS14"'):
        ServingTLS(*pair, min_version="VersionTLS14")
    with pytest.raises(ValueError, match="Cipher suite TLS_ODD not supported or doesn't exist"):
        openssl_name("TLS_ODD")


async def test_a_server_with_a_suite_that_is_none_does_not_start(tmp_path: Path) -> None:
    config = apiserver.config(pki.ensure(tmp_path), tls_cipher_suites=("TLS_ODD",))
    with pytest.raises(ConfigurationError, match="Cipher suite TLS_ODD not supported"):
        async with APIServer(config):
            pass
