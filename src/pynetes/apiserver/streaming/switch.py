"""A backend that switches protocols: its connection is joined to the client's."""

from http import HTTPStatus

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

from pynetes.apimachinery.streaming import dial
from pynetes.apimachinery.streaming.duplex import pipe
from pynetes.apiserver.http import Answer, Response, Upgrade
from pynetes.apiserver.streaming.takeover import UpgradedDuplex


def switched(answer: dial.Answer) -> Answer:
    """What the client gets: the backend's refusal, or its own bytes from the head on."""
    duplex = answer.duplex
    if duplex is None:
        return Response(answer.status, answer.body, answer.headers.get("content-type", "text/plain"), is_object=False)

    async def run(raw: BaseRequest) -> StreamResponse:
        response = _Verbatim(status=HTTPStatus.SWITCHING_PROTOCOLS)
        client = UpgradedDuplex(raw, response)
        response.attach(raw)
        await client.write(answer.raw_head)
        await pipe(client, duplex)
        return response

    return Upgrade(run)


class _Verbatim(StreamResponse):
    """An answer whose head is the backend's own bytes."""

    def attach(self, raw: BaseRequest) -> None:
        self._raw = raw
        self.force_close()

    async def prepare(self, request: BaseRequest) -> None:
        return None

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        transport = self._raw.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("client went away")
        transport.write(data)
        await self._raw.protocol._drain_helper()

    async def write_eof(self, data: bytes = b"") -> None:
        return None
