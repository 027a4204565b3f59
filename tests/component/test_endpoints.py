"""What every component answers about itself, without a socket and over one."""

import json

import aiohttp

from pynetes.component.endpoints import Endpoints
from pynetes.component.health import PING, Check, HealthGroup
from pynetes.component.serving import Request, Server
from pynetes.component.zpages import this_process


async def _bad() -> None:
    raise RuntimeError("disk full")


async def test_health_groups_answer_whole_and_by_check() -> None:
    group = HealthGroup("readyz")
    endpoints = Endpoints(group)
    assert (await endpoints.handle(Request("/readyz"))).body == b"ok"
    group.checks.append(Check("disk", _bad))
    answer = await endpoints.handle(Request("/readyz"))
    assert (answer.status, answer.body) == (500, b"[+]ping ok\n[-]disk failed: reason withheld\nreadyz check failed\n")
    assert (await endpoints.handle(Request("/readyz", query={"exclude": ["disk"]}))).status == 200
    assert (await endpoints.handle(Request("/readyz/disk"))).body == b"internal server error: disk full\n"
    assert (await endpoints.handle(Request("/readyz/ping"))).body == b"ok"
    assert (await endpoints.handle(Request("/readyz/none"))).status == 404


async def test_group_without_single_checks() -> None:
    endpoints = Endpoints()
    endpoints.add_health(HealthGroup("healthz"), single_checks=False)
    assert (await endpoints.handle(Request("/healthz"))).status == 200
    assert (await endpoints.handle(Request("/healthz/ping"))).status == 404


async def test_results_of_checks_are_metrics_of_their_own() -> None:
    endpoints = Endpoints(HealthGroup("testz", [PING, Check("disk", _bad)]))
    await endpoints.handle(Request("/testz"))
    text = (await endpoints.handle(Request("/metrics/slis"))).body.decode()
    assert 'kubernetes_healthcheck{name="ping",type="testz"} 1' in text
    assert 'kubernetes_healthcheck{name="disk",type="testz"} 0' in text
    assert 'kubernetes_healthchecks_total{name="disk",status="error",type="testz"} 1' in text
    metrics = (await endpoints.handle(Request("/metrics"))).body.decode()
    assert "process_cpu_seconds_total" in metrics
    assert "kubernetes_healthcheck" not in metrics


async def test_only_what_is_given_is_served() -> None:
    bare = Endpoints(HealthGroup("healthz"), with_metrics=False)
    assert bare.paths == ["/healthz"]
    full = Endpoints(configz={"a": {"kind": "A"}}, flags={"v": "0"}, process=this_process("a", "v1.36.0"))
    assert full.paths == ["/configz", "/flagz", "/metrics", "/metrics/slis", "/statusz"]
    assert json.loads((await full.handle(Request("/configz"))).body) == {"a": {"kind": "A"}}
    assert (await full.handle(Request("/nothing"))).status == 404


async def test_over_http() -> None:
    endpoints = Endpoints(HealthGroup("healthz"))

    async def broken(request: Request) -> None:
        raise RuntimeError("bug")

    endpoints.add("/broken", broken)  # type: ignore[arg-type]
    async with Server(endpoints.handle, "127.0.0.1", 0) as server, aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{server.port}"
        async with session.get(f"{base}/healthz?verbose") as answer:
            assert (answer.status, await answer.text()) == (200, "[+]ping ok\nhealthz check passed\n")
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with session.get(f"{base}/broken") as answer:
            assert answer.status == 500
        async with session.get(f"{base}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
