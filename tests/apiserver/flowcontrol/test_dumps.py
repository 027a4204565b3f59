"""Requests that run and wait, as tables and metrics tell of them."""

import asyncio
from typing import Any

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.filters.flowcontrol import with_flow_control
from pynetes.apiserver.flowcontrol import dumps
from pynetes.apiserver.flowcontrol.controller import Level
from pynetes.apiserver.flowcontrol.matching import CompiledSchema
from pynetes.apiserver.http import Answer, Request, Response
from pynetes.apiserver.requestinfo import request_info
from pynetes.component import metrics

PODS = "/api/v1/namespaces/a/pods"


class Controller:
    """One level, of a name that no other test counts under, of one seat and two queues for all requests."""

    def __init__(self) -> None:
        queuing = {"queues": 2, "handSize": 1, "queueLengthLimit": 1}
        limited = {"limitResponse": {"type": "Queue", "queuing": queuing}}
        self.level = Level("told", "l", {"type": "Limited", "limited": limited})
        self.levels = {"told": self.level}
        spec = {"priorityLevelConfiguration": {"name": "told"}, "distinguisherMethod": {"type": "ByUser"}}
        self.schema = CompiledSchema({"metadata": {"name": "all", "uid": "s"}, "spec": spec})

    def find(self, user: UserInfo, info: Any) -> tuple[CompiledSchema, Level]:
        return self.schema, self.level


async def nothing() -> bytes:
    return b""


def request(path: str = PODS, query: dict[str, list[str]] | None = None) -> Request:
    made = Request("GET", path, query or {}, {}, nothing, user=UserInfo("jane"))
    made.info = request_info("GET", path, query or {})
    return made


async def dumped(controller: Controller, what: str, **query: list[str]) -> list[list[str]]:
    found = dumps.handlers(controller)[f"/debug/api_priority_and_fairness/dump_{what}"]  # type: ignore[arg-type]
    answer = await found(request(query=query))
    assert isinstance(answer, Response)
    return [[cell.strip() for cell in line.split(",")] for line in answer.body.decode().splitlines()]


async def test_who_runs_and_who_waits_is_told() -> None:
    controller, going, done = Controller(), asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Answer:
        going.set()
        await done.wait()
        return Response()

    limited = with_flow_control(controller, lambda info: 0, 60.0)(handler)  # type: ignore[arg-type]
    running = asyncio.ensure_future(limited(request()))
    await going.wait()
    waiting = asyncio.ensure_future(limited(request(f"{PODS}/x")))
    await asyncio.sleep(0)
    (headers, row) = await dumped(controller, "priority_levels")
    assert headers[:2] == ["PriorityLevelName", "ActiveQueues"]
    assert row == ["told", "1", "false", "false", "1", "1", "1", "0", "0", "0"]
    _, *queues = await dumped(controller, "queues")
    assert sorted(row[2:5] for row in queues) == [["0", "0", "0"], ["1", "1", "1"]]
    headers, first, second = await dumped(controller, "requests", includeRequestDetails=["1"])
    assert headers[-1] == "SubResource"
    assert (first[1], first[3], first[4], first[9]) == ("all", "0", "jane", "0001-01-01T00:00:00Z")
    assert first[10:] == ["jane", "get", f"{PODS}/x", "a", "x", "v1", "pods", ""]
    assert (second[3], second[11]) == ("-1", "list")
    shown = metrics.render().decode()
    labels = '{flow_schema="all",priority_level="told"}'
    for name in ("executing_requests", "executing_seats", "inqueue_requests", "inqueue_seats"):
        assert f"apiserver_flowcontrol_current_{name}{labels} 1" in shown
    done.set()
    await asyncio.gather(running, waiting)
    (_, row) = await dumped(controller, "priority_levels")
    assert row[1:7] == ["0", "true", "false", "0", "0", "2"]
