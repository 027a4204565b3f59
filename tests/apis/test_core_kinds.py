import base64
from typing import Any

import pytest

from pynetes.apis.core.config_map import ConfigMapStrategy
from pynetes.apis.core.endpoints import EndpointsStrategy
from pynetes.apis.core.event import EventStrategy
from pynetes.apis.core.namespace import FinalizeStrategy, NamespaceStrategy
from pynetes.apis.core.node import NodeStrategy
from pynetes.apis.core.secret import SecretStrategy
from pynetes.apis.core.service import ServiceStrategy
from pynetes.apis.core.service_account import ServiceAccountStrategy
from pynetes.apis.strategy import Strategy
from tests.apis.objects import Object, create_errors, created, update_errors, updated


def _named(name: str = "a", **fields: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "ns"}, **fields}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _service(**spec: Any) -> Object:
    return _named(spec={"ports": [{"port": 80}], **spec})


INVALID: dict[str, tuple[Strategy, Object, list[str]]] = {
    "a key of a ConfigMap": (
        ConfigMapStrategy(),
        _named(data={"a/b": ""}),
        [
            "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' "
            "or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        ],
    ),
    "a key in data and binaryData": (
        ConfigMapStrategy(),
        _named(data={"a": ""}, binaryData={"a": ""}),
        ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ),
    "a TLS secret without its key": (
        SecretStrategy(),
        _named(type="kubernetes.io/tls", data={"tls.crt": ""}),
        ["data[tls.key]: Required value"],
    ),
    "a service account token of nobody": (
        SecretStrategy(),
        _named(type="kubernetes.io/service-account-token"),
        ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ),
    "a service without ports": (ServiceStrategy(), _service(ports=[]), ["spec.ports: Required value"]),
    "two ports without names": (
        ServiceStrategy(),
        _service(ports=[{"port": 80}, {"port": 81}]),
        ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
    ),
    "an unknown type of service": (
        ServiceStrategy(),
        _service(type="Other"),
        [
            'spec.type: Unsupported value: "Other": supported values: "ClusterIP", "ExternalName", "LoadBalancer", '
            '"NodePort"'
        ],
    ),
    "an external name that is missing": (
        ServiceStrategy(),
        _named(spec={"type": "ExternalName"}),
        ["spec.externalName: Required value"],
    ),
    "an event elsewhere": (
        EventStrategy(),
        _named(involvedObject={"namespace": "other", "kind": "Pod"}),
        ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ),
    "a loopback endpoint": (
        EndpointsStrategy(),
        _named(subsets=[{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 80}]}]),
        [
            'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, '
            "::1/128)"
        ],
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_validation(case: str) -> None:
    strategy, obj, errors = INVALID[case]
    assert create_errors(strategy, obj) == errors


@pytest.mark.parametrize("strategy", [ConfigMapStrategy(), SecretStrategy()], ids=["ConfigMap", "Secret"])
def test_immutable_data_stays(strategy: Strategy) -> None:
    old = created(strategy, _named(data={"a": _encoded("1")}, immutable=True))
    changed = _named(data={"a": _encoded("2")}, immutable=True)
    assert update_errors(strategy, old, changed) == ["data: Forbidden: field is immutable when `immutable` is set"]
    thawed = _named(data={"a": _encoded("1")})
    message = "immutable: Forbidden: field is immutable when `immutable` is set"
    assert update_errors(strategy, old, thawed) == [message]


def test_string_data_is_encoded_into_data() -> None:
    obj = created(SecretStrategy(), _named(stringData={"a": "text"}, data={"a": _encoded("old"), "b": _encoded("b")}))
    assert obj["data"] == {"a": _encoded("text"), "b": _encoded("b")}
    assert obj["type"] == "Opaque"
    assert "stringData" not in obj


def test_the_type_of_a_secret_stays() -> None:
    old = created(SecretStrategy(), _named())
    assert update_errors(SecretStrategy(), old, _named(type="example.com/x")) == [
        'type: Invalid value: "example.com/x": field is immutable'
    ]


def test_a_namespace_starts_active_with_its_finalizer_and_label() -> None:
    strategy = NamespaceStrategy()
    obj = created(strategy, {"metadata": {"name": "team"}})
    strategy.canonicalize(obj)
    assert obj["spec"]["finalizers"] == ["kubernetes"]
    assert obj["status"]["phase"] == "Active"
    assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": "team"}


def test_only_finalize_removes_a_namespace_finalizer() -> None:
    old = created(NamespaceStrategy(), {"metadata": {"name": "team"}})
    bare: Object = {"metadata": {"name": "team"}, "spec": {"finalizers": []}}
    assert updated(NamespaceStrategy(), old, bare)["spec"]["finalizers"] == ["kubernetes"]
    assert updated(FinalizeStrategy(), old, bare)["spec"]["finalizers"] == []


def test_allocatable_follows_capacity() -> None:
    obj: Object = {"metadata": {"name": "n1"}, "status": {"capacity": {"cpu": "4"}}}
    NodeStrategy().default(obj)
    assert obj["status"]["allocatable"] == {"cpu": "4"}


def test_a_pod_cidr_is_set_once() -> None:
    strategy = NodeStrategy()
    old = created(
        strategy, {"metadata": {"name": "n1"}, "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"]}}
    )
    new = {"metadata": {"name": "n1"}, "spec": {"podCIDR": "10.2.0.0/24", "podCIDRs": ["10.2.0.0/24"]}}
    assert 'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid' in update_errors(
        strategy, old, new
    )


def test_a_service_gets_the_defaults() -> None:
    spec = created(ServiceStrategy(), _service())["spec"]
    assert spec["type"] == "ClusterIP"
    assert spec["sessionAffinity"] == "None"
    assert spec["internalTrafficPolicy"] == "Cluster"
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert "externalTrafficPolicy" not in spec


def test_a_node_port_service_spreads_over_the_cluster() -> None:
    assert created(ServiceStrategy(), _service(type="NodePort"))["spec"]["externalTrafficPolicy"] == "Cluster"


def test_client_affinity_lasts_three_hours() -> None:
    spec = created(ServiceStrategy(), _service(sessionAffinity="ClientIP"))["spec"]
    assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}


def test_the_cluster_ip_stays() -> None:
    strategy = ServiceStrategy()
    addresses = {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "ipFamilies": ["IPv4"]}
    old = created(strategy, _service(**addresses, ipFamilyPolicy="SingleStack"))
    new = _service(clusterIP="10.96.0.11", clusterIPs=["10.96.0.11"], ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    assert 'spec.clusterIPs[0]: Invalid value: ["10.96.0.11"]: may not change once set' in update_errors(
        strategy, old, new
    )


def test_fields_of_an_event_can_be_selected() -> None:
    event = _named(involvedObject={"kind": "Pod", "name": "p"}, reason="Started", source={"component": "kubelet"})
    fields = EventStrategy().selectable_fields(event)
    assert fields["involvedObject.kind"] == "Pod"
    assert fields["reason"] == "Started"
    assert fields["source"] == "kubelet"


def test_an_external_name_has_no_internal_traffic_policy() -> None:
    strategy = ServiceStrategy()
    obj = _named(spec={"type": "ExternalName", "externalName": "a.example.com", "internalTrafficPolicy": "Cluster"})
    made = created(strategy, obj)
    assert create_errors(strategy, made) == []
    strategy.canonicalize(made)
    assert "internalTrafficPolicy" not in made["spec"]


def test_the_annotation_that_bounds_an_accounts_secrets_is_warned_of_when_it_is_new() -> None:
    plain, warnings = _named(), ServiceAccountStrategy().warnings
    annotations = {"kubernetes.io/enforce-mountable-secrets": ""}
    bounded = {**plain, "metadata": {**plain["metadata"], "annotations": annotations}}
    (warning,) = warnings(bounded, plain)
    assert warning == (
        "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate "
        "namespaces to isolate access to mounted secrets"
    )
    assert warnings(bounded) == [warning]
    assert warnings(bounded, bounded) == warnings(plain, bounded) == []
