"""Questions asked together are answered together, never with an answer from before the question."""

import asyncio

import pytest

from pynetes.component.tasks import BackgroundTasks
from pynetes.storage import StoreUnavailable
from pynetes.storage.coalesced import Coalesced


class Oracle:
    """Counts on at each question, and answers when told to."""

    def __init__(self) -> None:
        self.now = 0
        self.answers: list[asyncio.Future[None]] = []

    async def ask(self) -> int:
        self.now += 1
        answer, future = self.now, asyncio.get_running_loop().create_future()
        self.answers.append(future)
        await future
        return answer


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_meanwhile_shares_the_next_question() -> None:
    oracle, tasks = Oracle(), BackgroundTasks("test")
    question = Coalesced(oracle.ask, tasks)
    first = asyncio.ensure_future(question())
    await turn()
    others = [asyncio.ensure_future(question()) for _ in range(10)]
    await turn()
    assert oracle.now == 1
    oracle.answers[0].set_result(None)
    assert await first == 1
    await turn()
    oracle.answers[1].set_result(None)
    assert await asyncio.gather(*others) == [2] * 10
    assert oracle.now == 2
    await tasks.close()


async def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    oracle, tasks = Oracle(), BackgroundTasks("test")
    question = Coalesced(oracle.ask, tasks)
    impatient, patient = asyncio.ensure_future(question()), asyncio.ensure_future(question())
    await turn()
    impatient.cancel()
    oracle.answers[0].set_result(None)
    assert await patient == 1
    await tasks.close()


async def test_an_error_is_told_to_all_and_the_next_question_is_asked_again() -> None:
    oracle, tasks = Oracle(), BackgroundTasks("test")
    question = Coalesced(oracle.ask, tasks)
    asked = [asyncio.ensure_future(question()) for _ in range(2)]
    await turn()
    oracle.answers[0].set_exception(StoreUnavailable("gone"))
    for each in asked:
        with pytest.raises(StoreUnavailable, match="gone"):
            await each
    again = asyncio.ensure_future(question())
    await turn()
    oracle.answers[1].set_result(None)
    assert await again == 2
    await tasks.close()


async def test_closing_ends_the_waiting() -> None:
    oracle, tasks = Oracle(), BackgroundTasks("test")
    question = Coalesced(oracle.ask, tasks)
    first = asyncio.ensure_future(question())
    await turn()
    second = asyncio.ensure_future(question())
    await turn()
    await tasks.close()
    for each in (first, second):
        with pytest.raises(StoreUnavailable, match="closed"):
            await each
