"""Why a node is not ready."""

import asyncio
from typing import Any

import grpc
import pytest

from pynetes.component import clock
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.runtime_state import RuntimeState


class Runtime:
    def __init__(self) -> None:
        self.conditions: dict[str, bool] | None = {"RuntimeReady": True, "NetworkReady": True}

    async def status(self) -> pb.StatusResponse:
        if self.conditions is None:
            raise CRIError("Status", grpc.StatusCode.UNAVAILABLE, "connection refused")
        conditions = [
            pb.RuntimeCondition(type=name, status=status, reason="Why" * (not status), message="text" * (not status))
            for name, status in self.conditions.items()
        ]
        return pb.StatusResponse(status=pb.RuntimeStatus(conditions=conditions))


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


@pytest.fixture
def state(runtime: Any) -> RuntimeState:
    return RuntimeState(runtime)


async def test_before_the_first_answer(state: RuntimeState) -> None:
    assert state.errors() == ["container runtime status check may not have completed yet"]
    assert not state.network_ready
    await state.update()
    assert state.errors() == []
    assert state.network_ready


async def test_conditions_are_quoted(state: RuntimeState, runtime: Runtime) -> None:
    await state.update()
    runtime.conditions = {"RuntimeReady": False}
    await state.update()
    assert state.errors() == [
        "container runtime not ready: RuntimeReady=false reason:Why message:text",
        "container runtime network not ready: <nil>",
    ]


async def test_a_runtime_that_stays_away_is_down(
    state: RuntimeState, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await state.update()
    runtime.conditions = None
    await state.update()
    assert state.errors() == []
    later = clock.monotonic() + 31
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    await state.update()
    assert state.errors() == ["container runtime is down"]


async def test_parts_of_the_kubelet_are_asked(state: RuntimeState) -> None:
    await state.update()
    state.add_check("PLEG", lambda: "pleg was last seen active 5m ago")
    assert state.errors() == ["PLEG is not healthy: pleg was last seen active 5m ago"]


async def test_who_asks_is_told_when_readiness_changes(
    state: RuntimeState, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([{"RuntimeReady": True, "NetworkReady": True}, {"RuntimeReady": True}, {"RuntimeReady": True}])
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        try:
            runtime.conditions = next(answers)
        except StopIteration:
            raise asyncio.CancelledError from None

    monkeypatch.setattr(clock, "sleep", sleep)
    runtime.conditions = {"RuntimeReady": True}
    told: list[bool] = []
    with pytest.raises(asyncio.CancelledError):
        await state.run(lambda: told.append(state.network_ready))
    assert told == [True, False]
    assert waited == [0.1, 5.0, 0.1, 0.1]
