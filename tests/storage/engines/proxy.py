"""A TCP proxy on loopback that can lose what passes through it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Self

_CHUNK = 1 << 16


class Proxy:
    """`swallow_answers`: once the client sent data that matches, the engine gets it, but its answers are lost; the
    connection stays until `break_once` the engine has done it. `refuse`: such data never reaches the engine, and the
    connection breaks. `silent`: nothing passes any more."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.swallow_answers: Callable[[bytes], bool] = _never
        self.refuse: Callable[[bytes], bool] = _never
        self.silent = False
        self.hits = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self.break_all()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def break_all(self) -> None:
        for writer in self._connections:
            writer.transport.abort()

    async def break_once(self, done: Callable[[], Awaitable[bool]]) -> None:
        """Breaks all connections once `done`: an answer alone may be one to something else."""
        while not await done():  # noqa: ASYNC110 (the state is the engine's)
            await asyncio.sleep(0.01)
        self.break_all()

    def mend(self) -> None:
        self.swallow_answers = self.refuse = _never
        self.silent = False

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError):
            engine_in, engine_out = await asyncio.open_connection("127.0.0.1", self._target)
            self._connections |= {client_out, engine_out}
            lost = asyncio.Event()
            try:
                await asyncio.gather(
                    self._requests(client_in, engine_out, lost), self._answers(engine_in, client_out, lost)
                )
            finally:
                self._connections -= {client_out, engine_out}
                for writer in (client_out, engine_out):
                    writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await reader.read(_CHUNK):
            if self.silent:
                continue
            if self.refuse(data):
                self.hits += 1
                raise ConnectionResetError
            if self.swallow_answers(data):
                self.hits += 1
                lost.set()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await reader.read(_CHUNK):
            if not (lost.is_set() or self.silent):
                writer.write(data)
                await writer.drain()
        raise ConnectionResetError


def _never(data: bytes) -> bool:
    return False
