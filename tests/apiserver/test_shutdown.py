"""The end of a server, as a client sees it."""

import asyncio

from pynetes.apiserver.edge.serving import Edge
from pynetes.apiserver.http import Answer, Request, text
from pynetes.component.tasks import Tasks


async def test_a_request_that_has_come_in_part_is_read_and_answered() -> None:
    begun, ending = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Answer:
        begun.set()
        return text((await request.read_body()).decode())

    async def serve(edge: Edge) -> None:
        async with edge:
            started.set_result(edge.port)
            await ending.wait()

    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    edge = Edge(handle, host="127.0.0.1", port=0, tls=None, max_body_bytes=100, shutdown_grace=60.0)
    async with asyncio.timeout(60), Tasks("test") as tasks:
        served = tasks.start(serve(edge), name="edge")
        reader, writer = await asyncio.open_connection("127.0.0.1", await started)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        await begun.wait()
        ending.set()
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", edge.port))[1].close()
            except ConnectionError:
                break
        writer.write(b"1\r\nc\r\n0\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"\r\n\r\nabc")
        writer.close()
        await served
