"""statusz and flagz, as text and as objects."""

import json
from datetime import UTC, datetime

import pytest
import yaml

from pynetes.component import clock, logs, zpages
from pynetes.component.serving import Answer, Request
from pynetes.component.zpages import Process

PROCESS = Process("kube-scheduler", "1.36.0", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.fixture(autouse=True)
def an_hour_later():
    clock.set_wall_clock(lambda: PROCESS.started.timestamp() + 3725)
    yield
    clock.set_wall_clock(None)


def _statusz(accept: str = "") -> Answer:
    headers = {"accept": accept} if accept else {}
    return zpages.statusz(Request("/statusz", headers=headers), PROCESS, ["/healthz", "/metrics", "/metrics/slis"])


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain", "application/json, text/plain;q=0.5"])
def test_statusz_is_text_unless_its_object_is_asked_for(accept: str) -> None:
    answer = _statusz(accept)
    assert answer.content_type == "text/plain; charset=utf-8"
    lines = answer.body.decode().splitlines()
    assert lines[1] == "kube-scheduler statusz"
    assert "Started: Fri Jan  2 03:04:05 UTC 2026" in lines
    assert "Up: 1 hr 02 min 05 sec" in lines
    assert "Paths: /healthz /metrics" in lines


def test_statusz_as_an_object() -> None:
    answer = _statusz("application/json;as=Statusz;v=v1beta1;g=config.k8s.io")
    assert answer.content_type == "application/json;g=config.k8s.io;v=v1beta1;as=Statusz"
    assert answer.body.startswith(b'{"kind":"Statusz","apiVersion"')
    found = json.loads(answer.body)
    assert (found["kind"], found["apiVersion"]) == ("Statusz", "config.k8s.io/v1beta1")
    assert found["metadata"] == {"name": "kube-scheduler"}
    assert (found["startTime"], found["uptimeSeconds"]) == ("2026-01-02T03:04:05Z", 3725)
    assert (found["binaryVersion"], found["emulationVersion"]) == ("1.36.0", "1.36")
    assert found["paths"] == ["/healthz", "/metrics"]
    assert "Warning" not in answer.headers


def test_older_version_warns() -> None:
    answer = _statusz("application/yaml;as=Statusz;v=v1alpha1;g=config.k8s.io")
    assert yaml.safe_load(answer.body)["apiVersion"] == "config.k8s.io/v1alpha1"
    assert answer.headers["Warning"].startswith("299 - ")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/json;as=Statusz;v=v2;g=config.k8s.io",
        "application/json;as=Flagz;v=v1beta1;g=config.k8s.io",
        "application/vnd.kubernetes.protobuf",
    ],
)
def test_anything_else_is_not_acceptable(accept: str) -> None:
    answer = _statusz(accept)
    assert (answer.status, answer.content_type) == (406, "application/json")
    assert json.loads(answer.body)["reason"] == "NotAcceptable"


def test_refusals_and_objects_come_as_they_are_asked_for() -> None:
    refused = _statusz("text/html, application/yaml")
    assert (refused.status, refused.content_type) == (406, "application/yaml")
    assert yaml.safe_load(refused.body)["code"] == 406
    headers = {"accept": "application/json", "user-agent": "curl/8"}
    assert zpages.flagz(Request("/flagz", headers=headers), "a", {}).body.startswith(b'{\n  "kind": "Status",\n')


def test_flagz_lists_flags_by_name() -> None:
    flags = {"secure-port": "10259", "leader-elect": "true"}
    text = zpages.flagz(Request("/flagz"), "kube-scheduler", flags).body.decode()
    assert text.endswith(
        f"\nleader-elect=true\nlogging-format={logs.flags()['logging-format']}\nsecure-port=10259\nv={logs.flags()['v']}\n"
    )
    accept = {"accept": "application/json;as=Flagz;v=v1beta1;g=config.k8s.io"}
    found = json.loads(zpages.flagz(Request("/flagz", headers=accept), "kube-scheduler", flags).body)
    assert found["flags"] == flags | logs.flags()


def test_this_process_started_in_the_past() -> None:
    clock.set_wall_clock(None)
    process = zpages.this_process("kube-scheduler", "v1.36.0")
    assert process.version == "1.36.0"
    assert 0 <= (clock.now() - process.started).total_seconds() < 24 * 3600
