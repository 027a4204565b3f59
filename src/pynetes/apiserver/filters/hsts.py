"""Strict-Transport-Security (RFC 6797) in every answer, as `--strict-transport-security-directives` words it."""

from collections.abc import Sequence

from pynetes.apiserver.http import Answer, Filter, Handler, Request, Upgrade

_HEADER = "Strict-Transport-Security"
_WORDS = ("includeSubDomains", "preload")


def problems(directives: Sequence[str]) -> list[str]:
    """What is wrong with the flag's values."""
    found = []
    for directive in directives:
        if not directive.strip():
            found.append("empty value in strict-transport-security-directives")
        elif directive not in _WORDS and (not directive.startswith("max-age=") or directive.count("=") != 1):
            found.append(
                "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, "
                "includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information"
            )
    return found


def with_hsts(directives: Sequence[str]) -> Filter:
    value = "; ".join(directives)

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            answer = await handler(request)
            if not isinstance(answer, Upgrade) and _HEADER not in answer.headers:
                answer.headers = {**answer.headers, _HEADER: value}  # headers may be shared
            return answer

        return handle

    return wrap
