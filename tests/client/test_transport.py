"""What a failed connection comes down to."""

import errno
import ssl

import pytest

from pynetes.client.transport import TransportError, reason


def _caused(text: str, cause: BaseException | None) -> TransportError:
    error = TransportError(text)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            _caused("GET x: Cannot connect", ConnectionRefusedError(errno.ECONNREFUSED, "Call failed")),
            "connection refused",
        ),
        (_caused("GET x: Cannot connect", OSError(errno.EHOSTUNREACH, "Call failed")), "no route to host"),
        (_caused("GET x: Server disconnected", None), "Server disconnected"),
        (_caused("GET x: bad certificate", ssl.SSLError(1, "bad certificate")), "bad certificate"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_reason(error: BaseException, said: str) -> None:
    assert reason(error) == said
