"""Pages of other origins may read answers (upstream's WithCORS), as `--cors-allowed-origins` lists them."""

import re
from collections.abc import Sequence

from pynetes.apiserver.http import Answer, Filter, Handler, Request, Response, Upgrade

_ALLOWED = {
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE, PATCH",
    "Access-Control-Allow-Headers": (
        "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, "
        "If-Modified-Since"
    ),
    "Access-Control-Expose-Headers": "Date",
    "Access-Control-Allow-Credentials": "true",
}


def problems(patterns: Sequence[str]) -> list[str]:
    """What is wrong with the flag's values: one that matches a part of an origin would let any origin in."""
    found = []
    for pattern in patterns:
        problem = ""
        try:
            re.compile(pattern)
        except re.error as error:
            problem = f"error parsing regexp: {error}"
        if not problem and not (("^" in pattern or "//" in pattern) and ("$" in pattern or ":" in pattern)):
            problem = "regular expression does not pin to start/end of host in the origin header"
        if problem:
            found.append(f"--cors-allowed-origins has an invalid regular expression: {problem}")
    return found


def with_cors(patterns: Sequence[str]) -> Filter:
    allowed = [re.compile(pattern) for pattern in patterns]

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            origin = request.headers.get("Origin", "")
            if not origin or not any(pattern.search(origin) for pattern in allowed):
                return await handler(request)
            headers = {"Access-Control-Allow-Origin": origin, **_ALLOWED}
            if request.method == "OPTIONS":
                return Response(204, b"", "", headers)
            answer = await handler(request)
            if not isinstance(answer, Upgrade):
                answer.headers = {**answer.headers, **headers}
            return answer

        return handle

    return wrap
