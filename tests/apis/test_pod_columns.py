from collections.abc import Iterator

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.core.pod import PodStrategy
from pynetes.apis.registry import by_gvk
from pynetes.component import clock
from tests.apis.objects import Object, container, pod

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.fixture(autouse=True)
def _midnight() -> Iterator[None]:
    clock.set_wall_clock(lambda: NOW)
    yield
    clock.set_wall_clock(None)


def _row(obj: Object) -> dict[str, object]:
    resource = by_gvk(GroupVersionKind("", "v1", "Pod"))
    assert resource is not None
    return {column.name: column.cells(obj) for column in resource.columns}


def _status(name: str = "app", ready: bool = False, restarts: int = 0, **states: Object) -> Object:
    return {"name": name, "ready": ready, "restartCount": restarts, **states}


def _waiting(reason: str) -> Object:
    return {"waiting": {"reason": reason}}


def _ended(code: int, **fields: object) -> Object:
    return {"terminated": {"exitCode": code, **fields}}


RUNNING: Object = {"running": {}}
STATUSES = {
    "Pending": ({"phase": "Pending"}, "Pending", "0/1"),
    "ContainerCreating": (
        {"phase": "Pending", "containerStatuses": [_status(state=_waiting("ContainerCreating"))]},
        "ContainerCreating",
        "0/1",
    ),
    "a running pod": (
        {"phase": "Running", "containerStatuses": [_status(ready=True, state=RUNNING)]},
        "Running",
        "1/1",
    ),
    "CrashLoopBackOff": (
        {"phase": "Running", "containerStatuses": [_status(state=_waiting("CrashLoopBackOff"))]},
        "CrashLoopBackOff",
        "0/1",
    ),
    "an exit code without a reason": (
        {"phase": "Running", "containerStatuses": [_status(state=_ended(3))]},
        "ExitCode:3",
        "0/1",
    ),
    "a signal without a reason": (
        {"phase": "Running", "containerStatuses": [_status(state=_ended(137, signal=9))]},
        "Signal:9",
        "0/1",
    ),
    "Completed": (
        {"phase": "Succeeded", "containerStatuses": [_status(state=_ended(0, reason="Completed"))]},
        "Completed",
        "0/1",
    ),
    "the reason of the pod": ({"phase": "Failed", "reason": "Evicted"}, "Evicted", "0/1"),
    "scheduling gates": (
        {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]},
        "SchedulingGated",
        "0/1",
    ),
}


@pytest.mark.parametrize("case", STATUSES)
def test_status_and_ready(case: str) -> None:
    status, reason, ready = STATUSES[case]
    row = _row({**pod(), "status": status})
    assert (row["Status"], row["Ready"]) == (reason, ready)


INIT = {
    "waiting for the first": (_status("init", state=_waiting("PodInitializing")), "Init:0/1"),
    "an image that cannot be pulled": (_status("init", state=_waiting("ErrImagePull")), "Init:ErrImagePull"),
    "a failed one": (_status("init", state=_ended(1)), "Init:ExitCode:1"),
    "a failed one with a reason": (_status("init", state=_ended(1, reason="Error")), "Init:Error"),
}


@pytest.mark.parametrize("case", INIT)
def test_init_containers_show_until_all_are_done(case: str) -> None:
    init, reason = INIT[case]
    obj = {**pod(initContainers=[container("init")]), "status": {"phase": "Pending", "initContainerStatuses": [init]}}
    assert _row(obj)["Status"] == reason


def test_a_deleted_pod_is_terminating() -> None:
    obj = {**pod(), "status": {"phase": "Running"}}
    obj["metadata"]["deletionTimestamp"] = "2025-12-31T23:59:00Z"
    assert _row(obj)["Status"] == "Terminating"
    obj["status"]["reason"] = "NodeLost"
    assert _row(obj)["Status"] == "Unknown"


def test_restarts_say_how_long_ago_the_last_one_was() -> None:
    ended = _ended(1, finishedAt="2025-12-31T23:55:00Z")
    status = _status(ready=True, restarts=2, state=RUNNING, lastState=ended)
    assert _row({**pod(), "status": {"phase": "Running", "containerStatuses": [status]}})["Restarts"] == "2 (5m ago)"


def test_wide_columns() -> None:
    status = {
        "podIPs": [{"ip": "10.1.0.7"}],
        "nominatedNodeName": "n2",
        "conditions": [{"type": "example.com/up", "status": "True"}],
    }
    row = _row({**pod(nodeName="n1", readinessGates=[{"conditionType": "example.com/up"}]), "status": status})
    assert [row[k] for k in ("IP", "Node", "Nominated Node", "Readiness Gates")] == ["10.1.0.7", "n1", "n2", "1/1"]


def test_missing_values_show_as_none() -> None:
    row = _row(pod())
    assert [row[k] for k in ("IP", "Node", "Nominated Node", "Readiness Gates")] == ["<none>"] * 4


GRACE = [
    # (grace of the options, grace of the pod, node, phase, seconds)
    (None, None, "n1", "Running", 30),
    (None, 5, "n1", "Running", 5),
    (2, 5, "n1", "Running", 2),
    (None, 5, "", "Pending", 0),
    (None, 5, "n1", "Succeeded", 0),
    (0, 5, "n1", "Running", 0),
]


@pytest.mark.parametrize(("asked", "own", "node", "phase", "seconds"), GRACE)
def test_grace_of_a_deletion(asked: int | None, own: int | None, node: str, phase: str, seconds: int) -> None:
    strategy = PodStrategy()
    obj = pod(nodeName=node) if own is None else pod(nodeName=node, terminationGracePeriodSeconds=own)
    strategy.default(obj)
    obj["status"] = {"phase": phase}
    options = {} if asked is None else {"gracePeriodSeconds": asked}
    assert strategy.graceful_seconds(obj, options) == seconds
