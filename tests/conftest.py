"""For all tests: generated cases are the same in every run, and a slow machine is no finding."""

import asyncio
from asyncio.sslproto import SSLProtocol
from typing import Any

from hypothesis import HealthCheck, settings

settings.register_profile(
    "pynetes", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("pynetes")


class _Loop(asyncio.SelectorEventLoop):
    """Cuts TLS connections that were closed and still wait for their peer's goodbye: on a slow machine a test may end
    first, and the socket would be reported as left open by whatever test runs when it is collected.

    What a test has not closed at all is reported as before.
    """

    def close(self) -> None:
        closing = [each for each in _transports(self) if _is_said_goodbye(each)]
        for transport in closing:
            transport.abort()
        if closing:
            self.run_until_complete(asyncio.sleep(0))
        super().close()


def _transports(loop: Any) -> list[Any]:
    return list(loop._transports.values())


def _is_said_goodbye(transport: Any) -> bool:
    protocol = transport.get_protocol()
    if transport.is_closing() or not isinstance(protocol, SSLProtocol):
        return False
    inner = protocol._app_transport
    return inner is None or inner.is_closing()


class _Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = _Loop


asyncio.set_event_loop_policy(_Policy())
