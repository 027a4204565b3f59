"""The Available condition, case by case."""

from typing import Any

import pytest

from pynetes.apiserver.aggregation.availability import PASSED, changed, is_available, judge_service
from pynetes.apiserver.aggregation.extension import Extension, Unresolvable, resolve

Object = dict[str, Any]

EXTENSION = Extension("v1.g", "g", "v1", "ns", "svc", 443)
CLUSTER_IP = {"spec": {"type": "ClusterIP", "clusterIP": "10.96.0.9", "ports": [{"name": "https", "port": 443}]}}


def slice_of(ready: bool | None = None, port: str = "https", endpoints: bool = True) -> Object:
    conditions = {} if ready is None else {"ready": ready}
    return {
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": conditions}] if endpoints else [],
        "ports": [{"name": port, "port": 8443}],
    }


@pytest.mark.parametrize(
    ("service", "slices", "reason", "message"),
    [
        (None, [], "ServiceNotFound", 'service/svc in "ns" is not present'),
        (
            {"spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 80}]}},
            [slice_of()],
            "ServicePortError",
            'service/svc in "ns" is not listening on port 443',
        ),
        (CLUSTER_IP, [], "EndpointsNotFound", 'cannot find endpointslices for service/svc in "ns"'),
        *(
            (
                CLUSTER_IP,
                [found],
                "MissingEndpoints",
                'endpointslices for service/svc in "ns" have no addresses with port name "https"',
            )
            for found in (slice_of(False), slice_of(port="http"), slice_of(endpoints=False))
        ),
    ],
)
def test_what_is_wrong_is_named(service: Object | None, slices: list[Object], reason: str, message: str) -> None:
    assert judge_service(EXTENSION, service, slices) == ("False", reason, message)


@pytest.mark.parametrize(
    ("service", "slices"),
    [
        (CLUSTER_IP, [slice_of()]),
        (CLUSTER_IP, [slice_of(False), slice_of(True)]),
        ({"spec": {"type": "ExternalName", "externalName": "elsewhere"}}, []),
    ],
)
def test_a_sound_service_is_asked(service: Object, slices: list[Object]) -> None:
    assert judge_service(EXTENSION, service, slices) is None


def test_the_time_of_a_condition_moves_with_its_status_only() -> None:
    first = changed({"metadata": {"name": "v1.g"}}, ("False", "ServiceNotFound", "gone"), "T1")
    assert first is not None
    assert not is_available(first)
    assert changed(first, ("False", "ServiceNotFound", "gone"), "T2") is None
    second = changed(first, ("False", "ServicePortError", "port"), "T2")
    assert second is not None
    assert second["status"]["conditions"][0]["lastTransitionTime"] == "T1"
    third = changed(second, PASSED, "T3")
    assert third is not None
    assert is_available(third)
    assert third["status"]["conditions"] == [
        {
            "type": "Available",
            "status": "True",
            "lastTransitionTime": "T3",
            "reason": "Passed",
            "message": "all checks passed",
        }
    ]


def test_services_lead_to_addresses() -> None:
    assert resolve(EXTENSION, CLUSTER_IP) == ("10.96.0.9", 443)
    assert resolve(EXTENSION, {"spec": {"type": "ExternalName", "externalName": "x"}}) == ("x", 443)
    other_port = {"spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 1}]}}
    for service in (None, {"spec": {"clusterIP": "None"}}, other_port):
        with pytest.raises(Unresolvable):
            resolve(EXTENSION, service)
