"""What a server does once it listens, and what must not keep it from serving."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from pynetes.apis.names import CONFIG_MAPS, VALIDATING_WEBHOOK_CONFIGURATIONS
from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.bootstrap import hooks
from pynetes.apiserver.bootstrap.hooks import PostStartHooks
from pynetes.apiserver.server import APIServer
from pynetes.component import clock, pki
from pynetes.component.tasks import Tasks
from pynetes.testing import apiserver

BROKEN = {
    "metadata": {"name": "broken"},
    "webhooks": [
        {
            "name": "broken.example.com",
            "clientConfig": {"service": {"namespace": "default", "name": "nobody"}},
            "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
        }
    ],
}


async def test_a_webhook_that_refuses_everything_does_not_keep_a_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_RETRY_LATE", 0.05)
    files = await asyncio.to_thread(pki.ensure, tmp_path, addresses=("127.0.0.1",))
    config = apiserver.config(files, advertise_address="192.0.2.10")
    async with APIServer(config) as server:
        await server.ready()
        client = server.client()
        await client.create(VALIDATING_WEBHOOK_CONFIGURATIONS, BROKEN)
        other = files.apiserver.certificate
        again = PostStartHooks(
            client,
            server.registry,
            replace(config, client_ca_file=other),
            lambda: ("192.0.2.10", 6443),
            lambda: asyncio.sleep(0),
            {resource.gvk.group for resource in RESOURCES},
        )

        async def authority() -> str:
            found = await client.get(CONFIG_MAPS, "extension-apiserver-authentication", "kube-system")
            return str(found["data"]["client-ca-file"])

        async with Tasks("test") as tasks, asyncio.timeout(60):
            tasks.start(again.run(), name="hooks")
            await again.finished()
            assert await authority() == files.ca.certificate.read_text()
            await client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, "broken")
            while other.read_text() not in await authority():
                await clock.sleep(0.05)
