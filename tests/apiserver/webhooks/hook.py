"""A webhook over HTTPS on loopback that answers as a test says."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from pynetes.component import certificates
from pynetes.component.pki import PKI


def bundle(files: PKI) -> str:
    return base64.b64encode(Path(files.ca.certificate).read_bytes()).decode()


def own_bundle(files: PKI) -> str:
    """The server's certificate, which is no authority's."""
    return base64.b64encode(Path(files.apiserver.certificate).read_bytes()).decode()


class Hook:
    """`asked` are the reviews that came; `answer` makes the response to one."""

    def __init__(self, files: PKI) -> None:
        self.files = files
        self.asked: list[Any] = []
        self.query: list[str] = []
        self.authorization: list[str] = []
        self.answer: Callable[[Any], web.StreamResponse] = web.json_response
        #: What is waited for before the answer.
        self.gate = asyncio.Event()
        self.gate.set()
        self.redirect = ""
        self.port = 0

    @property
    def config(self) -> dict[str, Any]:
        """A `WebhookClientConfig`."""
        return {"url": f"https://127.0.0.1:{self.port}/review", "caBundle": bundle(self.files)}

    async def elsewhere(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect(self.redirect)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        review = await request.json()
        self.asked.append(review)
        self.query.append(request.query_string)
        self.authorization.append(request.headers.get("Authorization", ""))
        await self.gate.wait()
        return self.answer(review)


@asynccontextmanager
async def serving(files: PKI) -> AsyncIterator[Hook]:
    hook = Hook(files)
    app = web.Application()
    app.router.add_post("/review", hook.handle)
    app.router.add_post("/moved", hook.elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    tls: ssl.SSLContext = certificates.server_context(files.apiserver.certificate, files.apiserver.key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    hook.port = runner.addresses[0][1]
    try:
        yield hook
    finally:
        hook.gate.set()
        await runner.cleanup()
