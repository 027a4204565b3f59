"""What the server tells about itself: statusz, flagz and the results of health checks."""

from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.endpoints import health
from tests.apiserver.endpoints.conftest import Web


async def test_statusz(web: Web) -> None:
    text = (await web("GET", "/statusz", accept="*/*")).body.decode()
    assert text.startswith("\napiserver statusz\n")
    assert "Paths: /flagz /healthz /livez /metrics /readyz /statusz /version" in text
    found = await web.ok("GET", "/statusz", accept="application/json;as=Statusz;v=v1beta1;g=config.k8s.io")
    assert (found["kind"], found["metadata"]) == ("Statusz", {"name": "apiserver"})


async def test_flagz(web: Web) -> None:
    found = await web.ok("GET", "/flagz", accept="application/json;as=Flagz;v=v1beta1;g=config.k8s.io")
    assert found["flags"]["bind-address"] == "127.0.0.1"
    assert found["flags"]["storage"] == "CLASSIFIED"


async def test_metrics_that_dashboards_ask_for(web: Web) -> None:
    await web("GET", "/api/v1/pods")
    text = (await web("GET", "/metrics", accept="*/*")).body.decode()
    pods = 'component="apiserver",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"'
    for start in (
        "apiserver_client_certificate_expiration_seconds_bucket{",
        f"apiserver_request_sli_duration_seconds_count{{{pods}}}",
        f"apiserver_response_sizes_count{{{pods}}}",
        'apiserver_storage_objects{resource="pods"} 0',
        'apiserver_storage_events_received_total{group="",resource="serviceaccounts"}',
        'apiserver_storage_size_bytes{storage_cluster_id="etcd-0"}',
        "kubernetes_build_info{",
        "# TYPE authenticated_user_requests counter",
        "# TYPE authorization_attempts_total counter",
    ):
        assert f"\n{start}" in text


async def test_what_is_sent_and_stored_is_counted(web: Web) -> None:
    maps = "/api/v1/namespaces/default/configmaps"
    await web.ok("POST", maps, {"metadata": {"name": "counted"}})
    streaming = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    for how in ("resourceVersion=0", streaming):
        async with web.session.get(f"{web.base}{maps}?watch=1&{how}") as answer:
            await answer.content.readuntil(b"initial-events-end" if how == streaming else b"\n")
    await web.ok("DELETE", f"{maps}/counted")
    text = (await web("GET", "/metrics", accept="*/*")).body.decode()
    for operation in ("create", "delete"):
        start = f'etcd_request_duration_seconds_count{{group="",operation="{operation}",resource="configmaps"}}'
        assert f"\n{start}" in text
    for start in (
        'apiserver_request_body_size_bytes_count{group="",resource="configmaps",verb="create"}',
        'apiserver_watch_events_total{group="",resource="configmaps",version="v1"}',
        'apiserver_watch_events_sizes_sum{group="",resource="configmaps",version="v1"}',
        'apiserver_watch_list_duration_seconds_count{group="",resource="configmaps",scope="namespace",version="v1"}',
        'etcd_requests_total{group="",operation="create",resource="configmaps"}',
        'kubernetes_feature_enabled{name="WatchList",stage="BETA"} 1',
        "# TYPE apiserver_request_terminations_total counter",
    ):
        assert f"\n{start}" in text


async def test_results_of_health_checks(web: Web) -> None:
    await web("GET", "/readyz")
    text = (await web("GET", "/metrics/slis", accept="*/*")).body.decode()
    assert 'kubernetes_healthcheck{name="etcd",type="readyz"} 1' in text


def test_flags_have_upstreams_forms() -> None:
    flags = health.flags(APIServerConfig(storage="postgres://user:password@host/db"))
    assert "password" not in str(flags)
    assert flags["anonymous-auth"] == "true"
    assert (flags["authorization-mode"], flags["event-ttl"]) == ("[]", "1h0m0s")
    assert (flags["service-node-port-range"], flags["feature-gates"]) == ("30000-32767", "")
    assert flags["client-ca-file"] == ""
