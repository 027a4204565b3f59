"""Strict-Transport-Security."""

import pytest

from pynetes.apiserver.filters.hsts import problems, with_hsts
from pynetes.apiserver.http import NO_SNIFFING, Request, Response


async def no_body() -> bytes:
    return b""


async def test_every_answer_tells_the_directives_unless_it_has_some() -> None:
    answers = iter((Response(headers=NO_SNIFFING), Response(headers={"Strict-Transport-Security": "max-age=1"})))

    async def handler(request: Request) -> Response:
        return next(answers)

    handle = with_hsts(["max-age=31536000", "includeSubDomains"])(handler)
    told = []
    for _ in range(2):
        answer = await handle(Request("GET", "/", {}, {}, no_body))
        assert isinstance(answer, Response)
        told.append(answer.headers["Strict-Transport-Security"])
    assert told == ["max-age=31536000; includeSubDomains", "max-age=1"]
    assert "Strict-Transport-Security" not in NO_SNIFFING


@pytest.mark.parametrize(
    ("directives", "told"),
    [
        (["max-age=1", "includeSubDomains", "preload"], []),
        (["maxage=1", " "], ["allowed values: max-age=expireTime", "empty value in"]),
        (["max-age=1=2"], ["allowed values: max-age=expireTime"]),
    ],
)
def test_directives_are_checked(directives: list[str], told: list[str]) -> None:
    found = problems(directives)
    assert len(found) == len(told)
    assert all(part in text for part, text in zip(told, found, strict=True))
