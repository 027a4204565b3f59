"""Variables from every source, `$(NAME)` expansion, and the messages of what is missing."""

import base64
from typing import Any

import pytest

from pynetes.kubelet.environment import ConfigError, command_and_args, expand, expand_sub_path, make_environment


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u-1", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "serviceAccountName": "sa", "containers": [{"name": "c"}], **spec},
    }


def environment(container: dict[str, Any], *, of: dict[str, Any] | None = None, **sources: Any) -> dict[str, str]:
    config_maps = sources.pop("config_maps", {})
    secrets = sources.pop("secrets", {})
    pairs = make_environment(
        of or pod(), {"name": "c", **container}, config_map=config_maps.get, secret=secrets.get, **sources
    )
    assert len(pairs) == len(dict(pairs)), "every name once"
    return dict(pairs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("a$(A)b$(B)c", "a1b2c"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$(MISSING)", "$(MISSING)"),
        ("$(A", "$(A"),
        ("$A", "$A"),
        ("$", "$"),
        ("$$", "$"),
        ("$()", "$()"),
        ("$(EMPTY)x", "x"),
        ("$((A))", "$((A))"),
        ("$(A)$", "1$"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2", "EMPTY": ""}) == expected


def test_command_and_args_are_expanded() -> None:
    container = {"command": ["sh", "-c"], "args": ["echo $(A)", "$$(A)"]}
    assert command_and_args(container, {"A": "x"}) == (["sh", "-c"], ["echo x", "$(A)"])


def test_later_variables_see_earlier_ones_only() -> None:
    env = [
        {"name": "FIRST", "value": "$(SECOND)"},
        {"name": "SECOND", "value": "b"},
        {"name": "THIRD", "value": "$(FIRST)-$(SECOND)"},
    ]
    assert environment({"env": env}) == {"FIRST": "$(SECOND)", "SECOND": "b", "THIRD": "$(SECOND)-b"}


def test_env_overrides_env_from_and_later_sources_override_earlier() -> None:
    container = {
        "envFrom": [
            {"configMapRef": {"name": "one"}},
            {"prefix": "P_", "configMapRef": {"name": "one"}},
            {"secretRef": {"name": "s"}},
        ],
        "env": [{"name": "A", "value": "own"}],
    }
    found = environment(
        container,
        config_maps={"one": {"data": {"A": "cm", "B": "cm"}}},
        secrets={"s": {"data": {"B": base64.b64encode(b"secret").decode()}}},
    )
    assert found == {"A": "own", "B": "secret", "P_A": "cm", "P_B": "cm"}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"configMapRef": {"name": "x"}}]}, 'configmap "x" not found'),
        ({"envFrom": [{"secretRef": {"name": "x"}}]}, 'secret "x" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "k"}}}]},
            'configmap "x" not found',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}}]},
            "couldn't find key k in ConfigMap shop/cm",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            "couldn't find key k in Secret shop/s",
        ),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]}, "unsupported fieldPath: spec.x"),
    ],
)
def test_what_is_missing_is_named(container: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        environment(container, config_maps={"cm": {"data": {}}}, secrets={"s": {}})
    assert str(caught.value) == message


def test_optional_sources_leave_the_variable_out() -> None:
    container = {
        "envFrom": [{"configMapRef": {"name": "x", "optional": True}}],
        "env": [
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "k", "optional": True}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
            {"name": "C", "value": ""},
        ],
    }
    assert environment(container, secrets={"s": {"data": {}}}) == {"C": ""}


def test_downward_api_fields() -> None:
    paths = {
        "NAME": "metadata.name",
        "NAMESPACE": "metadata.namespace",
        "UID": "metadata.uid",
        "LABEL": "metadata.labels['app']",
        "NONE": "metadata.annotations['a.b/c']",
        "NODE": "spec.nodeName",
        "SA": "spec.serviceAccountName",
        "IP": "status.podIP",
        "IPS": "status.podIPs",
        "HOST": "status.hostIP",
        "HOSTS": "status.hostIPs",
    }
    env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in paths.items()]
    assert environment({"env": env}, pod_ips=["10.0.0.1", "fd00::1"], host_ips=["192.0.2.1"]) == {
        "NAME": "web-1",
        "NAMESPACE": "shop",
        "UID": "u-1",
        "LABEL": "web",
        "NONE": "",
        "NODE": "n1",
        "SA": "sa",
        "IP": "10.0.0.1",
        "IPS": "10.0.0.1,fd00::1",
        "HOST": "192.0.2.1",
        "HOSTS": "192.0.2.1",
    }


@pytest.mark.parametrize(
    ("resource", "divisor", "expected"),
    [
        ("limits.cpu", None, "2"),
        ("limits.cpu", "1m", "1500"),
        ("requests.cpu", "1m", "250"),
        ("requests.cpu", None, "1"),
        ("limits.memory", "1Mi", "64"),
        ("limits.memory", "1k", "67109"),
        ("requests.memory", None, "0"),
        ("limits.ephemeral-storage", "1Gi", "10"),
        ("requests.hugepages-2Mi", "1Mi", "4"),
    ],
)
def test_container_resources_are_counted_in_divisors_rounded_up(
    resource: str, divisor: str | None, expected: str
) -> None:
    container = {
        "resources": {
            "limits": {"cpu": "1500m", "memory": "64Mi"},
            "requests": {"cpu": "250m", "hugepages-2Mi": "4Mi"},
        },
        "env": [{"name": "X", "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor or "0"}}}],
    }
    node = {"status": {"allocatable": {"cpu": "8", "memory": "16Gi", "ephemeral-storage": "10Gi"}}}
    assert environment(container, node=node) == {"X": expected}


def test_missing_limits_are_the_nodes_and_other_containers_can_be_named() -> None:
    of = pod(
        containers=[{"name": "c"}, {"name": "other", "resources": {"limits": {"cpu": "3"}}}],
        initContainers=[{"name": "init"}],
    )
    refs = {"OWN": ("", "limits.cpu"), "OTHER": ("other", "limits.cpu"), "INIT": ("init", "limits.memory")}
    env = [
        {"name": name, "valueFrom": {"resourceFieldRef": {"containerName": container, "resource": resource}}}
        for name, (container, resource) in refs.items()
    ]
    node = {"status": {"allocatable": {"cpu": "8", "memory": "1Gi"}}}
    assert environment({"env": env}, of=of, node=node) == {"OWN": "8", "OTHER": "3", "INIT": "0"}


def service(name: str, namespace: str = "shop", ip: str = "10.96.0.5", **spec: Any) -> dict[str, Any]:
    ports = spec.pop("ports", [{"port": 80}])
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": ports}}


def test_services_of_the_namespace_and_the_api_server_become_variables() -> None:
    services = [
        service(
            "redis-main", ports=[{"name": "client", "port": 6379}, {"name": "gos-sip", "port": 7, "protocol": "UDP"}]
        ),
        service("other", namespace="elsewhere"),
        service("headless", ip="None"),
        service("kubernetes", namespace="default", ip="10.96.0.1", ports=[{"name": "https", "port": 443}]),
    ]
    found = environment({}, services=services)
    assert found == {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
        "REDIS_MAIN_SERVICE_HOST": "10.96.0.5",
        "REDIS_MAIN_SERVICE_PORT": "6379",
        "REDIS_MAIN_SERVICE_PORT_CLIENT": "6379",
        "REDIS_MAIN_SERVICE_PORT_GOS_SIP": "7",
        "REDIS_MAIN_PORT": "tcp://10.96.0.5:6379",
        "REDIS_MAIN_PORT_6379_TCP": "tcp://10.96.0.5:6379",
        "REDIS_MAIN_PORT_6379_TCP_PROTO": "tcp",
        "REDIS_MAIN_PORT_6379_TCP_PORT": "6379",
        "REDIS_MAIN_PORT_6379_TCP_ADDR": "10.96.0.5",
        "REDIS_MAIN_PORT_7_UDP": "udp://10.96.0.5:7",
        "REDIS_MAIN_PORT_7_UDP_PROTO": "udp",
        "REDIS_MAIN_PORT_7_UDP_PORT": "7",
        "REDIS_MAIN_PORT_7_UDP_ADDR": "10.96.0.5",
    }


def test_without_service_links_only_the_api_server_is_told() -> None:
    services = [service("redis"), service("kubernetes", namespace="default", ip="10.96.0.1")]
    found = environment({}, of=pod(enableServiceLinks=False), services=services)
    assert found["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert not any(name.startswith("REDIS") for name in found)


def test_own_variables_win_over_services_and_may_refer_to_them() -> None:
    services = [service("redis")]
    env = [{"name": "REDIS_SERVICE_PORT", "value": "1"}, {"name": "AT", "value": "$(REDIS_SERVICE_HOST)"}]
    found = environment({"env": env}, services=services)
    assert found["REDIS_SERVICE_PORT"] == "1"
    assert found["AT"] == "10.96.0.5"


def test_ipv6_services_are_bracketed_in_urls_only() -> None:
    found = environment({}, services=[service("s", ip="fd00::5")])
    assert found["S_PORT"] == "tcp://[fd00::5]:80"
    assert found["S_SERVICE_HOST"] == "fd00::5"


def test_variables_from_a_file_in_a_volume(tmp_path: Any) -> None:
    (tmp_path / "env").write_text("# comment\nA='one'\nB='two\nlines' # said so\n")
    ref = {"volumeName": "v", "path": "env"}
    env = [
        {"name": "X", "valueFrom": {"fileKeyRef": {**ref, "key": "A"}}},
        {"name": "Y", "valueFrom": {"fileKeyRef": {**ref, "key": "B"}}},
        {"name": "Z", "valueFrom": {"fileKeyRef": {**ref, "key": "C", "optional": True}}},
    ]
    found = environment({"env": env}, volume_path={"v": str(tmp_path)}.get)
    assert found == {"X": "one", "Y": "two\nlines"}


def test_a_file_outside_of_the_volume_is_not_read(tmp_path: Any) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "secret").write_text("A='one'")
    (tmp_path / "v" / "env").symlink_to("../secret")
    env = [{"name": "X", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "env", "key": "A"}}}]
    with pytest.raises(ConfigError, match="couldn't parse env file"):
        environment({"env": env}, volume_path={"v": str(tmp_path / "v")}.get)


def test_sub_path_expressions_need_every_value() -> None:
    assert expand_sub_path("logs/$(POD)/$$(x)", {"POD": "a"}) == "logs/a/$(x)"
    with pytest.raises(ConfigError, match="missing value for A, B"):
        expand_sub_path("$(B)/$(A)", {"A": ""})
