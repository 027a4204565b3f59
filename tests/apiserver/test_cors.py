"""Cross-origin requests."""

import pytest

from pynetes.apiserver.filters.cors import problems, with_cors
from pynetes.apiserver.http import Request, Response


async def no_body() -> bytes:
    return b""


@pytest.mark.parametrize(
    ("method", "origin", "status", "allowed"),
    [
        ("GET", "https://ui.example", 200, True),
        ("OPTIONS", "https://ui.example:8443", 204, True),
        ("GET", "https://ui.example.evil", 200, False),
        ("OPTIONS", "", 200, False),
    ],
)
async def test_origins_that_are_listed_may_read(method: str, origin: str, status: int, allowed: bool) -> None:
    async def handler(request: Request) -> Response:
        return Response()

    handle = with_cors([r"//ui\.example(:|$)"])(handler)
    answer = await handle(Request(method, "/", {}, {"Origin": origin} if origin else {}, no_body))
    assert isinstance(answer, Response)
    assert answer.status == status
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert ("Access-Control-Allow-Credentials" in answer.headers) is allowed


def test_patterns_that_let_anybody_in_are_refused() -> None:
    assert problems([r"^https://a$", "//b:", r"//c(:|$)"]) == []
    assert len(problems(["foo", "[", "^a"])) == 3
