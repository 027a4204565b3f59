import asyncio

import pytest
from aiohttp import web

from pynetes.kubelet.probes import tcp
from pynetes.kubelet.probes.http import HTTPProber, Request, build_request
from pynetes.kubelet.probes.outcome import ProbeError

CONTAINER = {"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}


@pytest.mark.parametrize(
    ("action", "url"),
    [
        ({"port": 80}, "http://10.0.0.1:80/"),
        ({"port": "web", "path": "/a?b=c"}, "http://10.0.0.1:8080/a?b=c"),
        ({"port": "99", "scheme": "HTTPS", "host": "h", "path": "x"}, "https://h:99/x"),
    ],
)
def test_urls(action, url):
    assert build_request(action, CONTAINER, "10.0.0.1", "probe").url == url


def test_ports_must_exist():
    with pytest.raises(ProbeError, match="invalid port number: 0"):
        build_request({"port": 0}, CONTAINER, "", "probe")
    with pytest.raises(ProbeError, match=r'strconv\.Atoi: parsing "db": invalid syntax'):
        build_request({"port": "db"}, CONTAINER, "", "probe")


def test_headers():
    def headers(*given):
        action = {"port": 80, "httpHeaders": [{"name": n, "value": v} for n, v in given]}
        return build_request(action, CONTAINER, "1", "probe").headers

    assert headers() == (("User-Agent", "kube-probe/1.36"), ("Accept", "*/*"))
    assert headers(("accept", ""), ("User-Agent", "me")) == (("User-Agent", "me"),)


@pytest.fixture
async def server():
    async def answer(request):
        target = request.query.get("to")
        if target:
            raise web.HTTPFound(target)
        if request.path == "/slow":
            await asyncio.Event().wait()
        return web.Response(status=int(request.query.get("status", 200)), text=request.headers.get("Host", ""))

    application = web.Application()
    application.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def prober():
    http = HTTPProber()
    yield http
    await http.close()


@pytest.mark.parametrize(
    ("path", "result", "output"),
    [
        ("/", "success", None),
        ("/?status=399", "warning", None),
        ("/?status=404", "failure", "HTTP probe failed with statuscode: 404"),
        ("/?to=/%3Fstatus=500", "failure", "HTTP probe failed with statuscode: 500"),
        ("/?to=http://other.test/", "warning", "Probe terminated redirects, Response body: 302: Found"),
    ],
)
async def test_answers(server, prober, path, result, output):
    outcome = await prober.probe(Request(server + path, (("Host", "me"),)), 60)
    assert outcome.result == result
    if output is not None:
        assert outcome.output == output


async def test_no_answer_is_a_failure_in_gos_words(server, prober):
    slow = await prober.probe(Request(server + "/slow", ()), 0.05)
    why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    assert slow.output == f'Get "{server}/slow": {why}'
    refused = await prober.probe(Request("http://127.0.0.1:1/x", ()), 60)
    assert refused.output == 'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused'


async def test_tcp(server):
    port = int(server.rpartition(":")[2])
    assert (await tcp.probe("127.0.0.1", port, 60)).result == "success"
    failed = await tcp.probe("127.0.0.1", 1, 60)
    assert (failed.result, failed.output) == ("failure", "dial tcp 127.0.0.1:1: connect: connection refused")
