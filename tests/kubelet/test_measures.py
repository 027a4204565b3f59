"""The kubelet's metrics, as dashboards read them."""

import weakref

from pynetes.component import metrics
from pynetes.kubelet import measures
from pynetes.kubelet.pleg import PLEG
from pynetes.kubelet.runtime.inspect import RuntimePod
from pynetes.kubelet.runtime.pod_status import State


def _value(sample):
    lines = metrics.render().decode().splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{sample} ")), 0.0)


def _status(**containers):
    return {"containerStatuses": [{"name": name, "state": state} for name, state in containers.items()]}


def test_every_end_is_counted_once():
    sample = 'kubelet_terminated_containers_total{container_type="container",exit_code="139",reason="Measured"}'
    running, ended = {"running": {}}, {"terminated": {"exitCode": 139, "reason": "Measured"}}
    measures.containers_ended({}, _status(a=running, b=ended))
    assert _value(sample) == 1
    measures.containers_ended(_status(a=running, b=ended), _status(a=ended, b=ended))
    assert _value(sample) == 2


def test_starts_are_counted_by_the_containers_place_in_the_pod():
    pod = {"spec": {"initContainers": [{"name": "i"}], "containers": [{"name": "c"}]}}
    started = 'kubelet_started_containers_total{container_type="init_container"}'
    refused = 'kubelet_started_containers_errors_total{code="Measured",container_type="init_container"}'
    before = _value(started)
    measures.container_started(pod, "i")
    measures.container_started(pod, "i", "Measured")
    assert _value(started) == before + 2
    assert _value(refused) == 1


def test_what_runs_is_shown(monkeypatch):
    monkeypatch.setattr(measures, "_published", weakref.WeakSet())  # other tests' end when they are collected
    pleg = PLEG(None, None, lambda uid: None)
    pleg.runtime_pods["u"] = RuntimePod("u", "p", "d", {"s": True}, {"c": State.EXITED})
    pleg.runtime_pods["v"] = RuntimePod("v", "q", "d", {"s": False}, {})
    assert _value("kubelet_running_pods") == 1
    assert _value('kubelet_running_containers{container_state="exited"}') == 1
