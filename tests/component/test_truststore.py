"""aiohttp reads the machine's authorities when a request asks for them, not before."""

import os
import subprocess
import sys
from pathlib import Path

from pynetes.component import pki

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from pynetes.component import certificates, pki, truststore
truststore.import_aiohttp()
import aiohttp
from aiohttp import connector
from pynetes.component.serving import Server, text

async def main(files):
    async def hello(request):
        return text("hello")
    assert not connector._SSL_CONTEXT_VERIFIED.get_ca_certs()
    tls = certificates.server_context(files.apiserver.certificate, files.apiserver.key)
    async with Server(hello, "127.0.0.1", 0, tls=tls) as server, aiohttp.ClientSession() as session:
        async with session.get(f"https://localhost:{server.port}/") as answer:
            print(await answer.text())
    assert len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()) == 1

asyncio.run(main(pki.PKI(Path(sys.argv[1]))))
"""


def test_a_request_that_names_no_authorities_trusts_the_machines(tmp_path: Path) -> None:
    files = pki.ensure(tmp_path, dns_names=("localhost",))
    environment = {**os.environ, "SSL_CERT_FILE": str(files.ca.certificate)}
    line = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("hello\n", "")
