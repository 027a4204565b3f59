"""Requests and limits of pods as metrics."""

from typing import Any

from pynetes.component.serving import Request
from pynetes.scheduler.podresources import handler

Object = dict[str, Any]


def pod(name: str, resources: Object, phase: str = "Running", **spec: Any) -> Object:
    containers = [{"name": "c", "resources": resources}]
    whole = {"containers": containers, "schedulerName": "default-scheduler", **spec}
    return {"metadata": {"namespace": "ns", "name": name}, "spec": whole, "status": {"phase": phase}}


async def test_each_resource_of_a_pod_that_goes_on_is_a_series() -> None:
    pods = [
        pod(
            "a",
            {"requests": {"cpu": "100m", "memory": "1Gi", "example.com/gpu": "0"}, "limits": {"memory": "2Gi"}},
            nodeName="n1",
            priority=7,
        ),
        pod("waits", {"requests": {"hugepages-2Mi": "4Mi", "example.com/gpu": "2"}}, phase="Pending"),
        pod("ended", {"requests": {"cpu": "1"}}, phase="Succeeded", nodeName="n1"),
    ]
    text = (await handler(lambda: pods)(Request("/metrics/resources"))).body.decode()
    a = 'namespace="ns",node="n1",pod="a",priority="7",resource'
    waits = 'namespace="ns",node="",pod="waits",priority="",resource'
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        f'kube_pod_resource_limit{{{a}="memory",scheduler="default-scheduler",unit="bytes"}} 2.147483648e+09',
        f'kube_pod_resource_request{{{a}="cpu",scheduler="default-scheduler",unit="cores"}} 0.1',
        f'kube_pod_resource_request{{{a}="memory",scheduler="default-scheduler",unit="bytes"}} 1.073741824e+09',
        f'kube_pod_resource_request{{{waits}="hugepages-2Mi",scheduler="default-scheduler",unit="bytes"}} 4.194304e+06',
        f'kube_pod_resource_request{{{waits}="example.com/gpu",scheduler="default-scheduler",unit=""}} 2',
    ]
    assert (await handler(list)(Request("/metrics/resources"))).body == b""
