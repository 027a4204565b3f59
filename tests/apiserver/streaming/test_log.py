"""pods/log: options and their checks, WebSockets, pods that are nowhere yet."""

import aiohttp
import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.http import Request
from pynetes.apiserver.streaming.log import options
from pynetes.component import certificates

from .conftest import Cluster, pod

PATH = "/api/v1/namespaces/default/pods/p/log"


def request(**query: str) -> Request:
    async def no_body() -> bytes:
        return b""

    return Request("GET", PATH, {key: [value] for key, value in query.items()}, {}, no_body)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"tailLines": "-1"}, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": "0"}, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "1", "sinceTime": "2024-01-01T00:00:00Z"}, "at most one of `sinceTime` or `sinceSeconds`"),
        ({"stream": "Both"}, 'stream: Unsupported value: "Both"'),
        ({"stream": "Stdout", "tailLines": "1"}, "mutually exclusive"),
        ({"tailLines": "x"}, 'parsing "x": invalid syntax'),
    ],
)
def test_bad_options_are_refused(query: dict[str, str], problem: str) -> None:
    with pytest.raises(StatusError) as caught:
        options(request(**query), "p", streams=True)
    assert problem in caught.value.message


def test_one_stream_may_be_asked_for_behind_its_gate_alone() -> None:
    with pytest.raises(StatusError, match="stream: Forbidden: may not be specified"):
        options(request(stream="Stdout"), "p")


def test_good_options_go_to_the_kubelet() -> None:
    found = options(request(follow="true", sinceTime="2024-01-01T01:00:00+01:00", stream="Stderr"), "p", streams=True)
    assert found == [("follow", "true"), ("sinceTime", "2024-01-01T00:00:00Z"), ("stream", "Stderr")]


@pytest.mark.parametrize("protocol", ["", "binary.k8s.io"])
async def test_logs_come_through_websockets_too(cluster: Cluster, protocol: str) -> None:
    tls = certificates.client_context(cluster.pki.ca.certificate)
    protocols = (protocol,) if protocol else ()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(cluster.url + PATH, ssl=tls, protocols=protocols) as socket,
    ):
        found = b"".join([message.data async for message in socket])
    assert found == b"line 1\nline 2\n"


async def test_a_node_that_does_not_listen_is_told_in_gos_words(cluster: Cluster) -> None:
    endpoint = {"kubeletEndpoint": {"Port": 1}}
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
    cluster.objects.add(
        "nodes", {"metadata": {"name": "n1"}, "status": {"addresses": addresses, "daemonEndpoints": endpoint}}
    )
    tls = certificates.client_context(cluster.pki.ca.certificate)
    async with aiohttp.ClientSession() as session, session.get(cluster.url + PATH, ssl=tls) as answer:
        status = await answer.json()
    url = "https://127.0.0.1:1/containerLogs/default/p/main"
    assert status["message"] == f'Get "{url}": dial tcp 127.0.0.1:1: connect: connection refused'
    assert (status["code"], status.get("reason")) == (500, None)


async def test_a_pod_on_no_node_has_no_log(cluster: Cluster) -> None:
    cluster.objects.add("pods", pod(node=""))
    tls = certificates.client_context(cluster.pki.ca.certificate)
    async with aiohttp.ClientSession() as session, session.get(cluster.url + PATH, ssl=tls) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
