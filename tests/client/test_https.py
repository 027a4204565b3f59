"""The HTTPS transport against a real TLS server on loopback."""

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.https import CertificateFiles, HTTPSTransport, TokenFile, tls_context
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError, TransportRequest

PODS = GroupVersionResource("", "v1", "pods")
GET = TransportRequest("GET", "/")


class Authority:
    """A CA in memory."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
        self.pem = self._sign(self._name, self._key, ca=True)

    def issue(self, common_name: str) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]), key)
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return cert, key.private_bytes(encoding, form, serialization.NoEncryption())

    def _sign(self, subject, key, *, ca=False):
        start = datetime.datetime(2020, 1, 1)
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(loopback, critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority():
    return Authority()


@asynccontextmanager
async def serving(handler, authority, tmp_path):
    cert, key = authority.issue("server")
    (tmp_path / "s.crt").write_bytes(cert)
    (tmp_path / "s.key").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem.decode())
    context.load_cert_chain(tmp_path / "s.crt", tmp_path / "s.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(*args, **kwargs):
    transport = HTTPSTransport(*args, **kwargs)
    try:
        yield transport
    finally:
        await transport.close()


async def test_a_client_certificate_and_the_query_arrive(authority, tmp_path):
    async def handler(request):
        subject = dict(pair[0] for pair in request.get_extra_info("peercert")["subject"])
        return web.json_response({"user": subject["commonName"], "query": list(request.query.items())})

    cert, key = authority.issue("admin")
    tls = tls_context(ca_data=authority.pem, cert_data=cert, key_data=key)
    async with serving(handler, authority, tmp_path) as url, connected(url, tls=tls) as transport:
        response = await transport.request(
            TransportRequest("GET", "/a b", [("labelSelector", "a in (b,c)"), ("x", "+&=")])
        )
        assert response.status == 200
        assert response.headers["content-type"].startswith("application/json")
        assert response.body == b'{"user": "admin", "query": [["labelSelector", "a in (b,c)"], ["x", "+&="]]}'


async def test_a_server_of_another_ca_is_refused(authority, tmp_path):
    async def handler(request):
        return web.Response()

    tls = tls_context(ca_data=Authority().pem)
    async with serving(handler, authority, tmp_path) as url, connected(url, tls=tls) as transport:
        with pytest.raises(TransportError, match="certificate"):
            await transport.request(GET)


async def test_a_rotated_token_is_used_after_a_401(authority, tmp_path):
    async def handler(request):
        return web.Response(status=200 if request.headers["Authorization"] == "Bearer new" else 401)

    token = tmp_path / "token"
    token.write_text("old\n")
    tls = tls_context(ca_data=authority.pem)
    async with (
        serving(handler, authority, tmp_path) as url,
        connected(url, tls=tls, token=TokenFile(token)) as transport,
    ):
        assert (await transport.request(GET)).status == 401
        token.write_text("new\n")
        assert (await transport.request(GET)).status == 200


async def test_another_address_is_used_when_one_is_down(authority, tmp_path):
    async def handler(request):
        return web.Response()

    tls = tls_context(ca_data=authority.pem)
    async with (
        serving(handler, authority, tmp_path) as url,
        connected(["https://127.0.0.1:1", url], tls=tls) as transport,
    ):
        assert (await transport.request(GET)).status == 200
        assert transport.server.rstrip("/") == url


async def test_no_server_is_a_transport_error():
    async with connected("https://127.0.0.1:1") as transport:
        with pytest.raises(TransportError, match=r"127\.0\.0\.1:1"):
            await transport.request(GET)


async def test_a_stream_that_breaks_is_a_transport_error(authority, tmp_path):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        request.transport.abort()
        return response

    tls = tls_context(ca_data=authority.pem)
    async with (
        serving(handler, authority, tmp_path) as url,
        connected(url, tls=tls) as transport,
        transport.stream(GET) as stream,
    ):
        with pytest.raises(TransportError):
            _ = [chunk async for chunk in stream.chunks]


async def test_a_server_that_asks_for_patience_is_asked_again(authority, tmp_path):
    calls = 0

    async def handler(request):
        nonlocal calls
        calls += 1
        if calls < 3:
            return web.json_response({"kind": "Status", "code": 429}, status=429, headers={"Retry-After": "0"})
        return web.json_response({"kind": "Pod", "metadata": {"name": "a"}})

    tls = tls_context(ca_data=authority.pem)
    async with serving(handler, authority, tmp_path) as url, connected(url, tls=tls) as transport:
        assert (await Client(transport).get(PODS, "a", "default"))["metadata"]["name"] == "a"
        assert calls == 3


async def test_a_request_that_is_given_up_does_not_wait_for_the_servers_goodbye(authority, tmp_path):
    """The server has heard the request, and says nothing any more."""
    cert, key = authority.issue("server")
    (tmp_path / "s.crt").write_bytes(cert)
    (tmp_path / "s.key").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "s.crt", tmp_path / "s.key")
    heard = threading.Event()

    def serve(listener):
        accepted, _ = listener.accept()
        accepted.settimeout(60)
        with context.wrap_socket(accepted, server_side=True) as wrapped:
            wrapped.recv(65536)
            plain = socket.socket(fileno=wrapped.detach())
        heard.set()
        plain.settimeout(60)
        with plain, contextlib.suppress(ConnectionResetError):
            while plain.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.ensure_future(asyncio.to_thread(serve, listener))
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        async with connected(url, tls=tls_context(ca_data=authority.pem)) as transport:
            request = asyncio.ensure_future(transport.request(GET))
            assert await asyncio.to_thread(heard.wait, 60)
            request.cancel()
            await serving  # a time-out if the connection is left open


async def test_a_refusal_is_a_status_error(authority, tmp_path):
    async def handler(request):
        if request.path.endswith("/plain"):
            return web.Response(status=502, text="bad gateway")
        status = {"kind": "Status", "code": 404, "reason": "NotFound", "message": 'pods "a" not found'}
        return web.json_response(status, status=404)

    tls = tls_context(ca_data=authority.pem)
    async with serving(handler, authority, tmp_path) as url, connected(url, tls=tls) as transport:
        with pytest.raises(StatusError, match='pods "a" not found') as caught:
            await Client(transport).get(PODS, "a", "default")
        assert caught.value.code == 404
        with pytest.raises(StatusError, match="bad gateway"):
            await Client(transport).get(PODS, "plain", "default")


async def test_a_renewed_client_certificate_is_taken_up(authority, tmp_path, monkeypatch):
    async def handler(request):
        subject = dict(pair[0] for pair in request.get_extra_info("peercert")["subject"])
        return web.Response(text=subject["commonName"])

    def renew(name):
        cert, key = authority.issue(name)
        (tmp_path / "new.pem").write_bytes(cert + key)
        (tmp_path / "new.pem").rename(tmp_path / "current.pem")

    monkeypatch.setattr("pynetes.client.https.TOKEN_RELOAD_PERIOD", 0.0)
    renew("old")
    current = tmp_path / "current.pem"
    tls = tls_context(ca_data=authority.pem, cert_file=str(current), key_file=str(current))
    files = CertificateFiles(current, current)
    async with serving(handler, authority, tmp_path) as url, connected(url, tls=tls, certificate_files=files) as client:
        assert (await client.request(GET)).body == b"old"
        async with client.stream(GET) as under_way:
            renew("new")
            assert (await client.request(GET)).body == b"new"
            assert b"".join([chunk async for chunk in under_way.chunks]) == b"old"
        current.write_bytes(b"damaged")
        assert (await client.request(GET)).body == b"new"
