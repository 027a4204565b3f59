"""`--runtime-config`: which APIs are served."""

from pathlib import Path
from typing import Any

import pytest

from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.authentication.user import LOOPBACK_USER
from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.enablement import EnablementError, served
from pynetes.apiserver.http import Request, Response
from pynetes.apiserver.server import APIServer
from pynetes.component import certificates
from pynetes.component.certificates import LOCALHOST


def off(**wanted: str) -> set[str]:
    """What is left out, as `group/version/resource`."""
    settings = {key.replace("__", "/"): value for key, value in wanted.items()}
    kept = served(RESOURCES, settings)
    return {f"{r.gvk.group}/{r.gvk.version}/{r.plural}" for r in RESOURCES if r not in kept}


def test_a_version_a_resource_or_a_stage_is_turned_off() -> None:
    assert off() == set()
    assert off(batch__v1="false") == {"batch/v1/jobs", "batch/v1/cronjobs"}
    assert off(autoscaling__v1="false") == {"autoscaling/v1/horizontalpodautoscalers"}
    assert off(batch__v1="false", batch__v1__jobs="true") == {"batch/v1/cronjobs"}
    assert off(batch__v1__jobs="0") == {"batch/v1/jobs"}
    assert off(api__beta="false", api__alpha="true", batch__v1="") == set()
    assert not any(each.startswith("/v1/") for each in off(api__all="false", v1="true"))
    assert "apps/v1/deployments" in off(api__ga="false", v1="true")
    assert off(batch__v1beta1="false") == set(), "a version that is not there is off"


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"api/all": "false"}, "invalid runtime-config with only api/all=false"),
        ({"x": "true"}, "runtime-config invalid key x"),
        ({"foo/v1": "true"}, "unknown api groups foo/v1"),
        ({"apps/v7": "true"}, "group version apps/v7 that has not been registered"),
        ({"api/ga": "1"}, "invalid value api/ga=1"),
        ({"apps/v1": "maybe"}, 'invalid value of apps/v1: maybe, err: strconv.ParseBool: parsing "maybe": invalid'),
        ({"apps/v1/Deployments": "true"}, 'is always lowercase plural, not "Deployments"'),
    ],
)
def test_what_there_is_not_is_refused(wanted: dict[str, str], complaint: str) -> None:
    with pytest.raises(EnablementError) as told:
        served(RESOURCES, wanted)
    assert complaint in str(told.value)


async def no_body() -> bytes:
    return b""


async def test_what_is_off_is_nowhere(tmp_path: Path) -> None:
    pair = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificates.store(certificates.self_issued(LOCALHOST), *pair)
    config = APIServerConfig(
        bind_address="127.0.0.1",
        secure_port=0,
        tls_cert_file=pair[0],
        tls_private_key_file=pair[1],
        runtime_config={"batch/v1": "false", "apps/v1/daemonsets": "false", "flowcontrol.apiserver.k8s.io/v1": "false"},
        feature_gates={"WatchList": False},
        min_compatibility_version="1.34",
        disabled_metrics=("apiserver_request_total",),
        endpoint_reconciler_type="none",
        kubernetes_service_node_port=30443,
    )
    async with APIServer(config) as server:

        async def get(path: str) -> Response:
            answer = await server.handle(Request("GET", path, {}, {}, no_body, user=LOOPBACK_USER))
            assert isinstance(answer, Response)
            return answer

        await server.ready()
        for path, status in (
            ("/apis/batch", 404),
            ("/apis/batch/v1/jobs", 404),
            ("/openapi/v3/apis/batch/v1", 404),
            ("/apis/apps/v1/daemonsets", 404),
            ("/apis/apps/v1/deployments", 200),
            ("/apis/apiregistration.k8s.io/v1/apiservices/v1.batch", 404),
            ("/apis/apiregistration.k8s.io/v1/apiservices/v1.apps", 200),
        ):
            assert (path, (await get(path)).status) == (path, status)
        assert b"daemonsets" not in (await get("/apis/apps/v1")).body
        assert b'"minCompatibilityMinor": "34"' in (await get("/version")).body
        metrics = (await get("/metrics")).body
        assert b'\nkubernetes_feature_enabled{name="WatchList",stage="BETA"} 0\n' in metrics
        assert b"apiserver_request_total" not in metrics
        assert b'"nodePort":30443' in (await get("/api/v1/namespaces/default/services/kubernetes")).body
        assert (await get("/api/v1/namespaces/default/endpoints/kubernetes")).status == 404


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"runtime_config": {"foo/v1": ""}}, "unknown api groups foo/v1"),
        ({"feature_gates": {"Nonsense": True}}, "unrecognized feature gate: Nonsense"),
        (
            {"feature_gates": {"DynamicResourceAllocation": False}},
            "cannot set feature gate DynamicResourceAllocation to false, feature is locked to true",
        ),
        (
            {"max_requests_inflight": -1, "request_timeout": -1.0},
            "[--max-requests-inflight can not be negative value, --request-timeout can not be negative value]",
        ),
        ({"livez_grace_period": -1.0}, "--livez-grace-period can not be a negative value"),
        ({"min_compatibility_version": "1.30"}, "minCompatibilityVersion version 1.30 is not between [1.33, 1.36]"),
        ({"kubernetes_service_node_port": 80}, "kubernetes service node port range 30000-32767 doesn't contain 80"),
        ({"cors_allowed_origins": ("foo",)}, "does not pin to start/end of host in the origin header"),
        ({"tls_cert_file": Path("x"), "tls_private_key_file": Path("x"), "tls_curve_preferences": ("1",)}, "curve"),
    ],
)
async def test_settings_that_cannot_be_end_the_start(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        async with APIServer(APIServerConfig(**settings)):
            pass
    assert complaint in str(told.value)
