"""A small OpenID Connect issuer over HTTPS on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from pynetes.component import certificates, clock
from pynetes.component.pki import PKI
from pynetes.component.signing import SigningKey, VerificationKey


class Issuer:
    """`fetched` counts how often its keys were asked for."""

    def __init__(self, files: PKI) -> None:
        self.authority = Path(files.ca.certificate).read_text()
        self.fetched = 0
        self.url = ""
        self.claimed = ""
        self.rotate()

    def rotate(self) -> None:
        self._key = certificates.new_key()

    def token(self, **claims: Any) -> str:
        now = int(clock.time_seconds())
        return SigningKey(self._key, self.url).sign({"aud": "me", "sub": "alice", "exp": now + 600, **claims})

    async def discovery(self, request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.claimed or self.url, "jwks_uri": f"{self.url}/keys"})

    async def keys(self, request: web.Request) -> web.Response:
        self.fetched += 1
        return web.json_response({"keys": [VerificationKey.of(self._key.public_key()).jwk()]})


@asynccontextmanager
async def issuing(files: PKI) -> AsyncIterator[Issuer]:
    issuer = Issuer(files)
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.discovery)
    app.router.add_get("/elsewhere", issuer.discovery)
    app.router.add_get("/keys", issuer.keys)
    runner = web.AppRunner(app)
    await runner.setup()
    tls = certificates.server_context(files.apiserver.certificate, files.apiserver.key)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    issuer.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
