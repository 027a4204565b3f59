import asyncio

from pynetes.apimachinery.errors import conflict
from pynetes.client.controller import Controller
from pynetes.client.workqueue import WorkQueue


def test_failures_are_tried_again_and_success_forgets(virtual, caplog):
    async def scenario() -> list[str]:
        queue: WorkQueue[str] = WorkQueue()
        calls: list[str] = []

        async def sync(key: str) -> None:
            calls.append(key)
            if len(calls) == 1:
                raise RuntimeError("broken")
            if len(calls) == 2:
                raise conflict("pods", "a")
            queue.shut_down()

        queue.add("a")
        await Controller("test", queue, sync).run()
        assert queue.failures("a") == 0
        return calls

    assert virtual(scenario()) == ["a", "a", "a"]
    assert caplog.text.count("Traceback") == 1


def test_workers_run_side_by_side_but_never_on_one_key(virtual):
    async def scenario() -> tuple[int, float]:
        queue: WorkQueue[str] = WorkQueue()
        busy: set[str] = set()
        most = 0

        async def sync(key: str) -> None:
            nonlocal most
            assert key not in busy
            busy.add(key)
            most = max(most, len(busy))
            await asyncio.sleep(1)
            busy.discard(key)

        for key in ("a", "b", "c", "a"):
            queue.add(key)
        asyncio.get_running_loop().call_later(0.5, queue.add, "a")
        asyncio.get_running_loop().call_later(5, queue.shut_down)
        await Controller("test", queue, sync, workers=3).run()
        return most, queue.metrics.worked.count

    assert virtual(scenario()) == (3, 4)
