"""Background tasks end with their owner, and an error ends only its own."""

import asyncio

import pytest

from pynetes.component.tasks import BackgroundTasks


async def test_closing_cancels_and_awaits_what_runs() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("work")

    tasks = BackgroundTasks("test")
    task = tasks.start(work(), name="work")
    await asyncio.sleep(0)
    await tasks.close()
    assert task.cancelled()
    assert ended == ["work"]
    await tasks.close()


async def test_an_error_is_logged_and_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    tasks = BackgroundTasks("test")
    failing, working = tasks.start(fail(), name="fail"), tasks.start(work(), name="work")
    assert await working == 7
    assert await failing is None
    assert "task test/fail failed" in caplog.text
    await tasks.close()


async def test_a_task_cancelled_before_its_first_step_leaves_nothing_unawaited() -> None:
    async def work() -> None:
        raise AssertionError("ran")

    tasks = BackgroundTasks("test")
    tasks.start(work(), name="work")
    await tasks.close()
