"""What is sent to break a server is refused in upstream's words, and others are served meanwhile.

One server for all: nothing here may leave anything behind.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from pynetes.apimachinery import json_writer
from pynetes.apiserver.edge import reply
from pynetes.apiserver.server import APIServer
from pynetes.component import certificates
from pynetes.component.pki import PKI
from tests.apiserver.endpoints.conftest import Web, config_map, config_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAPS = "/api/v1/namespaces/default/configmaps"
ONE = f"{MAPS}/one"
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass
class Wire:
    """Bytes on a connection as the administrator."""

    port: int
    tls: ssl.SSLContext

    async def __call__(self, sent: bytes, count: int = 1) -> list[tuple[int, bytes]]:
        """The first answers: status and body, which without a length is the rest."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
        try:
            writer.write(sent)
            answers = []
            for _ in range(count):
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = head.partition("content-length: ")[2].partition("\r")[0]
                body = await (reader.readexactly(int(length)) if length else reader.read())
                answers.append((int(head.split()[1]), body))
            return answers
        finally:
            writer.transport.abort()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(files: PKI) -> AsyncIterator[APIServer]:
    async with APIServer(config_of(files, storage="memory:")) as server:
        await server.ready()
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(server: APIServer, files: PKI) -> AsyncIterator[Web]:
    context = certificates.client_context(files.ca.certificate, files.admin.certificate, files.admin.key)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), auto_decompress=False) as session:
        web = Web(session, f"https://127.0.0.1:{server.port}")
        await web.ok("POST", MAPS, config_map("one", a="b"))
        yield web


@pytest.fixture
def wire(server: APIServer, files: PKI) -> Wire:
    return Wire(
        server.port, certificates.client_context(files.ca.certificate, files.admin.certificate, files.admin.key)
    )


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("limit=99999999999999999999", 'parsing "99999999999999999999": value out of range'),
        ("timeoutSeconds=" + "9" * 5000, "value out of range"),
        ("continue=%00", "illegal base64 data at input byte 0"),
        ("continue=bnVsbA", "does not recognize this encoded version"),
        ("resourceVersion=18446744073709551616", "value out of range"),
        ("resourceVersion=%00", 'Invalid value: "\\x00": strconv.ParseUint: parsing "\\x00": invalid syntax'),
    ],
)
async def test_options_out_of_range(web: Web, query: str, text: str) -> None:
    refused = await web("GET", f"{MAPS}?{query}")
    assert refused.status == 400
    assert text in refused.message


@pytest.mark.parametrize("query", ["labelSelector=%zz", "limit=1;continue=2", "%zz=1", "fieldSelector=%3D"])
async def test_parameters_that_go_does_not_understand_are_not_there(wire: Wire, query: str) -> None:
    ((status, body),) = await wire(f"GET {MAPS}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (status, b'"name":"one"' in body) == (200, True)


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        (f"{MAPS}/%zz", 400, b"400 Bad Request"),
        ("/%", 400, b"400 Bad Request"),
        (f"{MAPS}/..", 400, rb"Name parameter invalid: \"..\": may not be '..'"),
        (f"{MAPS}/%25x", 400, rb"Name parameter invalid: \"%x\": may not contain '%'"),
        (f"{MAPS}/%00", 404, rb"configmaps \"\\x00\" not found"),
        ("//api/v1/pods", 404, b"404 page not found"),
    ],
)
async def test_paths_that_cannot_be(wire: Wire, path: str, code: int, text: bytes) -> None:
    ((status, body),) = await wire(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status == code
    assert text in body


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        (b"rubbish\r\n\r\n", 400, b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, b"400 Bad Request"),
        (b"FOO /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, b"400 Bad Request: missing required Host header"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, b"505 HTTP Version Not Supported: unsupported protocol version"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 1_100_000, 431, b"431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\n" + (b"X: " + b"x" * 60_000 + b"\r\n") * 20, 431, b"431 Request Header Fields Too Large"),
        (b"GET /" + b"x" * 1_100_000, 431, b"431 Request Header Fields Too Large"),
    ],
)
async def test_what_is_no_http_is_refused_without_a_word_in_the_log(
    wire: Wire, caplog: pytest.LogCaptureFixture, sent: bytes, code: int, text: bytes
) -> None:
    ((status, body),) = await wire(sent)
    assert status == code
    assert text in body
    assert not caplog.records


@pytest.mark.parametrize(
    ("method", "path", "code", "anonymous"),
    [
        ("FOO", MAPS, 405, 403),
        ("get", f"{MAPS}/one", 405, 403),
        ("X", "/healthz", 200, 403),
        ("FOO", "/nosuch", 404, 403),
        ("PROPFIND", "/api/v1/nodes/x/proxy/a", 405, 403),
        ("GET", f"{MAPS}/\u00e4", 404, 403),
        ("POST", "/api/v1/bindings", 404, 403),
    ],
)
async def test_methods_that_nobody_knows_are_answered_as_all_others(
    server: APIServer, files: PKI, wire: Wire, method: str, path: str, code: int, anonymous: int
) -> None:
    sent = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    following = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [status for status, _ in await wire(sent + following, 2)] == [code, 200]
    nobody = Wire(server.port, certificates.client_context(files.ca.certificate))
    assert [status for status, _ in await nobody(sent)] == [anonymous]


CHUNKED = b"Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        (b"zz\r\n{}", b"invalid byte in chunk length"),
        (b"-1\r\n", b"invalid byte in chunk length"),
        (b"2\r\n{}XX", b"malformed chunked encoding"),
        (b"ffffffffffffffffff\r\n", b"http chunk length too large"),
    ],
)
async def test_chunks_that_are_none_are_told_to_whoever_may_write(
    server: APIServer, files: PKI, wire: Wire, chunks: bytes, told: bytes
) -> None:
    head = b"POST %b HTTP/1.1\r\n%b" % (MAPS.encode(), CHUNKED)
    ((status, body),) = await wire(head + b"\r\n" + chunks)
    assert (status, told in body) == (500, True)
    nobody = Wire(server.port, certificates.client_context(files.ca.certificate))
    assert [code for code, _ in await nobody(head + b"\r\n" + chunks)] == [403]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=wire.tls)
    writer.write(head + b"Expect: 100-Continue, x\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(chunks)  # while the body is being read
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert told in answer
    writer.close()


async def test_expectations_and_headers_over_several_lines(wire: Wire) -> None:
    request = b"GET /version HTTP/1.1\r\nHost: x\r\n%b\r\n"
    assert await wire(request % b"Expect: more\r\n") == [(417, b"")]
    ((status, _),) = await wire(request % b"Accept: text/html,\r\n\tapplication/json\r\nX: a\r\n b\r\n")
    assert status == 200


async def test_an_old_client_may_keep_its_connection(server: APIServer, files: PKI) -> None:
    tls = certificates.client_context(files.ca.certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=tls)
    for kept in (True, False):
        writer.write(b"GET /healthz HTTP/1.0\r\n" + (b"Connection: keep-alive\r\n" if kept else b"") + b"\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith("HTTP/1.0 200 OK\r\n")
        assert ("Connection: keep-alive\r\n" in head) == kept
        assert await reader.readexactly(2) == b"ok"
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    ("header", "code"), [(b"Audit-ID: \xff", 200), (b"User-Agent: \xe2\x82", 200), (b"Impersonate-User: a\xff", 403)]
)
async def test_headers_that_are_no_text_are_mended(wire: Wire, header: bytes, code: int) -> None:
    ((status, body),) = await wire(b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % (MAPS.encode(), header))
    assert (status, "a\ufffd".encode() in body) == (code, code == 403)


async def test_a_target_may_be_a_whole_url(wire: Wire) -> None:
    for target, code in ((b"https://x/version?pretty=1", 200), (b"HTTP://x/version", 200), (b"http://x", 404)):
        ((status, _),) = await wire(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)
        assert (target, status) == (target, code)


async def test_headers_of_one_request_after_the_other_may_have_a_mebibyte_each(wire: Wire) -> None:
    request = b"GET /version HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 700_000 + b"\r\n\r\n"
    assert [status for status, _ in await wire(request * 3, 3)] == [200, 200, 200]


async def test_texts_that_are_no_utf8_are_mended(web: Web) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"two"},"data":{"a":"x\xff\xe2\x82y"}}'
    made = await web.ok("POST", f"{MAPS}?dryRun=All", body)
    assert made["data"] == {"a": "x\ufffd\ufffd\ufffdy"}


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"[null]", JSON_PATCH, 422),
        (b'[{"op":"remove","path":"/metadata/managedFields/%b"}]' % (b"9" * 5000), JSON_PATCH, 422),
        (b'[{"op":"add","path":"/data/a","value":1e400}]', JSON_PATCH, 400),
        (b'{"data":{"a":1e400}}', STRATEGIC, 400),
        (b"null", MERGE, 400),
    ],
)
async def test_patches_that_cannot_be(web: Web, body: bytes, content_type: str, code: int) -> None:
    assert (await web("PATCH", ONE, body, type=content_type)).status == code


REVISIONS = "/apis/apps/v1/namespaces/default/controllerrevisions"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def nested(levels: int, key: str = "a") -> str:
    return f'{{"{key}":' * levels + "{}" + "}" * levels


async def test_what_nests_deeply_is_kept_and_shown_in_every_form(web: Web) -> None:
    body = '{"metadata":{"name":"deep"},"revision":1,"data":%s}'
    made = await web.ok("POST", REVISIONS, (body % nested(998)).encode())
    for accept in ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf"):
        assert (await web("GET", f"{REVISIONS}/deep", accept=accept)).status == 200
    labelled = await web.ok("PATCH", f"{REVISIONS}/deep", b'{"metadata":{"labels":{"a":"b"}}}', type=STRATEGIC)
    assert labelled["data"] == made["data"]
    await web.ok("DELETE", f"{REVISIONS}/deep")
    refused = await web("POST", REVISIONS, (body % nested(1001)).encode())
    assert (refused.status, "invalid character '{' exceeded max depth" in refused.message) == (400, True)


async def test_schemas_of_hundreds_of_nested_properties(web: Web) -> None:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(490):
        schema = {"type": "object", "properties": {"p": schema}}
    names = {"plural": "wells", "kind": "Well"}
    served = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "deep.example", "scope": "Cluster", "names": names, "versions": [served]}
    definition = {"metadata": {"name": "wells.deep.example"}, "spec": spec}
    await web.ok("POST", DEFINITIONS, json_writer.encode(definition))
    wells = "/apis/deep.example/v1/wells"
    for _ in range(1000):
        if (await web("GET", wells)).status == 200:
            break
        await asyncio.sleep(0.01)
    body = '{"apiVersion":"deep.example/v1","kind":"Well","metadata":{"name":"w"},%s}'
    inner = nested(489, "p")[1:-1]
    wrong = await web("POST", wells, (body % inner.replace("{}", '{"p":5}')).encode())
    assert (wrong.status, 'in body must be of type string: "integer"' in wrong.message) == (422, True)
    await web.ok("POST", wells, (body % inner.replace("{}", '{"p":"x"}')).encode())
    applied = (body % inner.replace("{}", '{"p":"y"}')).encode()
    apply = f"{wells}/w?fieldManager=m&force=true"
    assert (await web("PATCH", apply, applied, type="application/apply-patch+yaml")).status == 200
    await web.ok("DELETE", f"{DEFINITIONS}/wells.deep.example")


async def test_copies_of_copies_are_refused_once_they_nest_too_deeply(web: Web) -> None:
    copies = b'{"op":"copy","from":"/data","path":"/data/a%s"}'
    await web.ok("POST", REVISIONS, b'{"metadata":{"name":"deep"},"revision":1,"data":{"a":%s}}' % nested(600).encode())
    patch = b"[" + copies % (b"/a" * 590) + b"]"
    refused = await web("PATCH", f"{REVISIONS}/deep", patch, type=JSON_PATCH)
    assert (refused.status, "exceeded max depth" in refused.message) == (400, True)
    await web.ok("DELETE", f"{REVISIONS}/deep")


async def test_who_does_not_read_a_long_answer_is_cut_off(
    web: Web, wire: Wire, server: APIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connections() -> set[object]:
        assert server._edge is not None
        assert server._edge._http is not None
        return set(server._edge._http.connections)

    await web.ok("POST", MAPS, config_map("big", a="x" * 1_000_000))
    monkeypatch.setattr(reply, "SECONDS", 0.05)
    others = connections()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port, ssl=wire.tls, limit=1024)
        writer.write(f"GET {MAPS}/big HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 20)
        async with asyncio.timeout(60):
            while not (slow := connections() - others):  # noqa: ASYNC110 (they are the server's)
                await asyncio.sleep(0.01)
            while slow & connections():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(20_000_000)
        writer.transport.abort()
    finally:
        monkeypatch.undo()
        await web.ok("DELETE", f"{MAPS}/big")


async def test_others_are_served_while_megabytes_are_read(web: Web) -> None:
    """The slowest body there is, for its size: the loop answers meanwhile."""
    body = b'{"metadata":{"name":"p"},"template":{"spec":{"containers":[' + b"null," * 14_000 + b"null]}}}"
    reading = asyncio.create_task(web("POST", "/api/v1/namespaces/default/podtemplates?dryRun=All", body))
    answered = 0
    while not reading.done():
        await web.ok("GET", ONE)
        answered += 1
    assert (await reading).status == 422
    assert answered > 3


async def test_paths_that_are_made_up_leave_nothing_in_the_metrics(web: Web) -> None:
    for path in ("/api/v1/madeup", "/apis/madeup/v1/things", f"{ONE}/madeup"):
        assert (await web("GET", path)).status == 404
    metrics = (await web("GET", "/metrics")).body
    assert b'resource="configmaps"' in metrics
    assert b"madeup" not in metrics
