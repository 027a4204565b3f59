"""A TCP balancer: connections to one address go to servers that are healthy, in turn.

A server's health is asked for all the time. New connections go to ready servers; where none is, to those that at least
answer. When a server is dead (it refuses, or its machine does not answer at all), its connections are reset, so that
clients with a watch do not wait on a wire that nobody is at. Bytes are passed on as they are.
"""

import asyncio
import enum
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, cast

from msgspec import Struct, field

from pynetes.component import clock
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

CHECK_PERIOD, CONNECT_SECONDS = 0.5, 1.0


class Health(enum.IntEnum):
    """The better comes first."""

    READY = 0
    UNREADY = 1
    """It answers, and may be busy, starting or ending: its connections stay."""
    DEAD = 2


class Backend(Struct, frozen=True):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def order(backends: Sequence[Backend], health: Mapping[Backend, Health], turn: int) -> list[Backend]:
    """In which order a connection tries them: by health, those of equal health in turn; unknown ones as unready."""
    turned = [*backends[turn % len(backends) :], *backends[: turn % len(backends)]] if backends else []
    return sorted(turned, key=lambda backend: health.get(backend, Health.UNREADY))


async def reachable(backend: Backend) -> Health:
    """Whether a connection can be made: UNREADY if so, as nothing more is known."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(backend.host, backend.port)
    except (OSError, TimeoutError):
        return Health.DEAD
    writer.transport.abort()
    return Health.UNREADY


async def always_ready(backend: Backend) -> Health:
    """For a single server, of which there is no choice."""
    return Health.READY


class Balancer(Struct):
    """Listens on `address`:`port` from `__aenter__` to `__aexit__`. `backends` is asked again before every check."""

    address: str
    port: int
    backends: Callable[[], Sequence[Backend]]
    check: Callable[[Backend], Awaitable[Health]]
    period: float = CHECK_PERIOD
    _health: dict[Backend, Health] = field(default_factory=dict)
    _pairs: "set[_Pair]" = field(default_factory=set)
    _turn: int = 0
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _tasks: Tasks = field(default_factory=lambda: Tasks("balancer"))

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._tasks)
            loop = asyncio.get_running_loop()
            server = await loop.create_server(self._accept, self.address, self.port, reuse_address=True)
            self.port = server.sockets[0].getsockname()[1]
            stack.callback(server.close)
            stack.callback(self._reset, lambda pair: True)
            self._tasks.start(self._watch(), name="health")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(exc_type, exc, traceback)

    @property
    def health(self) -> Mapping[Backend, Health]:
        return self._health

    async def _watch(self) -> None:
        while True:
            backends = list(self.backends())
            found = await asyncio.gather(*(self.check(backend) for backend in backends))
            self._found(dict(zip(backends, found, strict=True)))
            await clock.sleep(self.period)

    def _found(self, health: dict[Backend, Health]) -> None:
        for backend, now in health.items():
            before = self._health.get(backend)
            if before != now:
                log.info("%s is %s", backend, now.name.lower())
        self._health = health
        self._reset(lambda pair: health.get(pair.backend, Health.DEAD) is Health.DEAD)

    def _reset(self, which: "Callable[[_Pair], bool]") -> None:
        for pair in [pair for pair in self._pairs if which(pair)]:
            pair.abort()

    def _accept(self) -> "_End":
        return _End(self._accepted)

    def _accepted(self, client: "_End") -> None:
        self._tasks.start(self._connect(client), name="connect", crash=False)

    async def _connect(self, client: "_End") -> None:
        self._turn += 1
        loop = asyncio.get_running_loop()
        for backend in order(list(self.backends()), self._health, self._turn):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    _, server = await loop.create_connection(lambda: _End(None), backend.host, backend.port)
            except (OSError, TimeoutError) as error:
                log.debug("%s: %r", backend, error)
                continue
            pair = _Pair(backend, client, server, self._pairs.discard)
            self._pairs.add(pair)
            pair.join()
            return
        log.warning("no server takes a connection")
        client.transport.abort()


class _End(asyncio.Protocol):
    """One side of a connection; what it hears goes to the other."""

    def __init__(self, made: "Callable[[_End], None] | None") -> None:
        self._made = made
        self.transport: asyncio.Transport
        self.pair: _Pair | None = None
        self.early = b""
        self.ended = False
        self.lost = False

    @property
    def _other(self) -> "_End | None":
        return self.pair.other(self) if self.pair else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are of no common class
        if self._made is not None:
            self._made(self)

    def data_received(self, data: bytes) -> None:
        if other := self._other:
            other.transport.write(data)
        else:  # nobody is at the other end yet: enough is heard to begin with
            self.early += data
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Whether this side stays open for what the other one still has to say."""
        self.ended = True
        other = self._other
        if other is None:
            return True
        if other.ended or other.lost:
            return False
        other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if other := self._other:
            other.transport.pause_reading()

    def resume_writing(self) -> None:
        if other := self._other:
            other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self.pair is not None:
            self.pair.lost(self)


class _Pair:
    """A client's connection and the server's that it is joined to."""

    def __init__(self, backend: Backend, client: _End, server: _End, gone: "Callable[[_Pair], None]") -> None:
        self.backend = backend
        self._client, self._server, self._gone = client, server, gone

    def join(self) -> None:
        self._client.pair = self._server.pair = self
        if self._client.lost:
            self.lost(self._client)
        elif self._server.lost:
            self.lost(self._server)
        else:
            self._server.transport.write(self._client.early)
            if self._client.ended:
                self._server.transport.write_eof()
            else:
                self._client.transport.resume_reading()

    def other(self, end: _End) -> _End:
        return self._server if end is self._client else self._client

    def lost(self, end: _End) -> None:
        self._gone(self)
        other = self.other(end)
        if not other.lost:
            other.transport.close()

    def abort(self) -> None:
        self._gone(self)
        for end in (self._client, self._server):
            end.transport.abort()
