"""An API server with encryption at rest, over HTTPS, on SQLite: what lies on the disk, rotation, reload, health."""

import asyncio
import base64
import os
import ssl
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from pynetes.apiserver.config import ConfigurationError
from pynetes.apiserver.server import APIServer
from pynetes.component import certificates, pki
from pynetes.storage import KeyValue, open_store
from pynetes.testing import apiserver
from tests.apiserver.encryption.kms_plugin import Plugin

SECRETS = "/api/v1/namespaces/default/secrets"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
KEY = "/registry/core/secrets/default/web"
WORD = "correct-horse-battery-staple"
ENCODED = base64.b64encode(WORD.encode()).decode()
PLAIN: dict[str, Any] = {"identity": {}}


def gcm(*names: str) -> dict[str, Any]:
    secrets = {name: base64.b64encode(name.encode() * 32).decode() for name in names}
    return {"aesgcm": {"keys": [{"name": name, "secret": secret} for name, secret in secrets.items()]}}


class Served:
    """Requests over HTTPS as the administrator."""

    def __init__(self, server: APIServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self._base = f"https://127.0.0.1:{server.port}"
        self._session = session

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._session.request(method, self._base + path, json=body) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()


class Cluster:
    """Where servers of one cluster, one after the other, have their files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "encryption.yaml"
        self.storage = f"sqlite://{directory}/store.db"
        self._files = pki.ensure(directory / "pki", addresses=("127.0.0.1",))

    def configure(self, *rules: tuple[list[str], list[dict[str, Any]]]) -> None:
        head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
        resources = [{"resources": names, "providers": providers} for names, providers in rules]
        new = self.file.with_suffix(".new")
        new.write_text(yaml.safe_dump({**head, "resources": resources}))
        os.replace(new, self.file)

    @asynccontextmanager
    async def serve(self, *, encrypt: bool = True, reload: bool = False) -> AsyncIterator[Served]:
        files = self._files
        config = apiserver.config(
            files,
            storage=self.storage,
            encryption_provider_config=self.file if encrypt else None,
            encryption_provider_config_automatic_reload=reload,
            etcd_healthcheck_timeout=60.0,
            etcd_readycheck_timeout=60.0,
        )
        context: ssl.SSLContext = certificates.client_context(
            files.ca.certificate, files.admin.certificate, files.admin.key
        )
        async with (
            APIServer(config) as server,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        ):
            await server.ready()
            yield Served(server, session)

    async def kubectl(self, call: "Served", text: bytes, *words: str) -> bytes:
        files = self._files
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            f"--server=https://127.0.0.1:{call.server.port}",
            f"--certificate-authority={files.ca.certificate}",
            f"--client-certificate={files.admin.certificate}",
            f"--client-key={files.admin.key}",
            f"--cache-dir={self.directory / 'kubectl'}",
            *words,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        output, errors = await process.communicate(text)
        assert process.returncode == 0, errors.decode()
        return output

    async def stored(self, key: str = KEY) -> KeyValue:
        """What the disk has; while no server runs."""
        store = await open_store(self.storage)
        try:
            found, _ = await store.get(key)
        finally:
            await store.close()
        assert found is not None
        return found

    def disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.directory.glob("store.db*")))


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def secret(name: str = "web") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"password": ENCODED},
    }


async def test_the_disk_holds_no_plain_text_and_clients_see_nothing_else(cluster: Cluster) -> None:
    cluster.configure((["secrets", "configmaps"], [gcm("a")]))
    async with cluster.serve() as call:
        status, made = await call("POST", SECRETS, secret())
        assert (status, made["data"]["password"]) == (201, ENCODED)
        assert (await call("GET", f"{SECRETS}/web"))[1] == made
        assert (await call("GET", SECRETS))[1]["items"][0]["data"] == made["data"]
        first = f"{SECRETS}?resourceVersion={made['metadata']['resourceVersion']}&resourceVersionMatch=Exact"
        status, patched = await call("PUT", f"{SECRETS}/web", {**made, "stringData": {"more": WORD}})
        assert (status, patched["data"]["more"]) == (200, ENCODED)
        assert (await call("GET", first))[1]["items"][0]["data"] == made["data"]
        assert (await call("POST", SECRETS, secret()))[0] == 409
        plain = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "web"}, "data": {"a": WORD}}
        assert (await call("POST", CONFIG_MAPS, plain))[0] == 201
        assert ENCODED.encode() not in cluster.disk()
        assert WORD.encode() not in cluster.disk()
    assert ENCODED.encode() not in cluster.disk()
    assert (await cluster.stored()).value.startswith(b"k8s:enc:aesgcm:v1:a:")
    # Another server of the same key reads it, and deletes it.
    async with cluster.serve() as call:
        assert (await call("GET", f"{SECRETS}/web"))[1] == patched
        assert (await call("DELETE", f"{SECRETS}/web"))[0] == 200
        assert (await call("GET", f"{SECRETS}/web"))[0] == 404


async def test_a_replace_by_the_same_writes_what_is_stale_and_nothing_else(cluster: Cluster) -> None:
    async with cluster.serve(encrypt=False) as call:
        made = (await call("POST", SECRETS, secret()))[1]
    assert ENCODED.encode() in (await cluster.stored()).value

    versions = [made["metadata"]["resourceVersion"]]
    for providers, start in (
        ([gcm("a"), PLAIN], b"k8s:enc:aesgcm:v1:a:"),
        ([gcm("b", "a")], b"k8s:enc:aesgcm:v1:b:"),
        ([PLAIN, gcm("b")], b'{"apiVersion"'),
    ):
        cluster.configure((["secrets"], providers))
        async with cluster.serve() as call:
            found = (await call("GET", f"{SECRETS}/web"))[1]
            assert found["data"] == made["data"]
            for _ in range(2):
                status, found = await call("PUT", f"{SECRETS}/web", found)
                assert status == 200
                versions.append(found["metadata"]["resourceVersion"])
        assert (await cluster.stored()).value.startswith(start)
    # The first replace of each rotation has written, the second one has not.
    first, *pairs = versions
    assert pairs[0::2] == pairs[1::2]
    assert len({first, *pairs}) == 4


async def test_kubectl_replace_moves_all_to_the_new_key(cluster: Cluster) -> None:
    """Upstream's documented way to rotate: `kubectl get secrets -A -o json | kubectl replace -f -`."""
    cluster.configure((["secrets"], [gcm("a")]))
    async with cluster.serve() as call:
        for name in ("web", "other"):
            assert (await call("POST", SECRETS, secret(name)))[0] == 201
    cluster.configure((["secrets"], [gcm("b", "a")]))
    async with cluster.serve() as call:
        listed = await cluster.kubectl(call, b"", "get", "secrets", "-A", "-o", "json")
        told = await cluster.kubectl(call, listed, "replace", "-f", "-")
        assert told.decode().splitlines() == ["secret/other replaced", "secret/web replaced"]
    # The old key is no longer needed.
    cluster.configure((["secrets"], [gcm("b")]))
    async with cluster.serve() as call:
        assert [item["data"]["password"] for item in (await call("GET", SECRETS))[1]["items"]] == [ENCODED, ENCODED]


async def test_custom_resources_are_encrypted_by_their_group(cluster: Cluster) -> None:
    cluster.configure((["*.example.com"], [gcm("a")]))
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "web"}, "word": WORD}
    path = "/apis/example.com/v1/namespaces/default/widgets"
    async with cluster.serve() as call:
        assert (await call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition))[0] == 201
        status, made = await call("POST", path, widget)
        while status == 404:
            status, made = await call("POST", path, widget)
        assert (status, made["word"]) == (201, WORD)
        written = (await call("PUT", f"{path}/web", {**made, "more": WORD}))[1]
        assert (await call("PUT", f"{path}/web", written))[1]["metadata"] == written["metadata"]
        assert (await call("GET", path))[1]["items"][0]["word"] == WORD
        assert WORD.encode() not in cluster.disk()


async def test_what_no_provider_reads_is_an_error_and_other_resources_go_on(cluster: Cluster) -> None:
    cluster.configure((["secrets"], [gcm("a")]))
    async with cluster.serve() as call:
        assert (await call("POST", SECRETS, secret()))[0] == 201
    cluster.configure((["secrets"], [gcm("b")]))
    async with cluster.serve() as call:
        status, refused = await call("GET", SECRETS)
        why = "no matching key was found for the provided AES transformer"
        assert (status, refused["reason"]) == (500, "InternalError")
        assert refused["message"] == f'Internal error occurred: unable to transform key "{KEY}": {why}'
        status, refused = await call("GET", f"{SECRETS}/web")
        assert (status, refused["message"]) == (500, f"Internal error occurred: {why}")
        assert (await call("GET", CONFIG_MAPS))[0] == 200
        assert (await call("POST", SECRETS, secret("other")))[0] == 201
        assert (await call("GET", f"{SECRETS}/other"))[0] == 200
        status, text = await call("GET", "/readyz")
        assert status == 500
        assert "[-]informer-sync failed" in text
    # With the key all is there again.
    cluster.configure((["secrets"], [gcm("b", "a")]))
    async with cluster.serve() as call:
        assert [item["metadata"]["name"] for item in (await call("GET", SECRETS))[1]["items"]] == ["other", "web"]
        assert (await call("GET", "/readyz"))[0] == 200


async def test_a_server_without_its_configuration_says_so_and_serves_the_rest(cluster: Cluster) -> None:
    cluster.configure((["secrets"], [gcm("a")]))
    async with cluster.serve() as call:
        assert (await call("POST", SECRETS, secret()))[0] == 201
    async with cluster.serve(encrypt=False) as call:
        for path in (SECRETS, f"{SECRETS}/web"):
            status, refused = await call("GET", path)
            assert (status, refused["reason"]) == (500, "InternalError")
            why = "identity transformer tried to read encrypted data"
            assert refused["message"] == f'Internal error occurred: unable to transform key "{KEY}": {why}'
        assert (await call("GET", CONFIG_MAPS))[0] == 200


async def test_a_file_that_changes_is_put_in_force(cluster: Cluster) -> None:
    cluster.configure((["secrets"], [gcm("a")]))
    async with cluster.serve(reload=True) as call:
        encryption = call.server.encryption
        assert encryption is not None
        made = (await call("POST", SECRETS, secret()))[1]
        assert not await encryption.reload()
        cluster.configure((["secrets"], [gcm("b", "a")]))
        await encryption.reload()
        status, again = await call("PUT", f"{SECRETS}/web", made)
        assert (status, again["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]) == (200, True)
        assert (await call("GET", "/healthz/kms-providers"))[0] == 200
    assert (await cluster.stored()).value.startswith(b"k8s:enc:aesgcm:v1:b:")


@pytest.mark.parametrize("reload", [False, True])
async def test_a_bad_file_is_refused_at_the_start(cluster: Cluster, reload: bool) -> None:
    cluster.configure((["Secrets"], [PLAIN]))
    with pytest.raises(ConfigurationError, match="resource name should not contain capital letters"):
        async with cluster.serve(reload=reload):
            raise AssertionError("it started")


async def test_a_reload_needs_a_file(cluster: Cluster) -> None:
    with pytest.raises(ConfigurationError, match=r"^--encryption-provider-config-automatic-reload must be set with"):
        async with cluster.serve(encrypt=False, reload=True):
            raise AssertionError("it started")


async def test_keys_of_a_plugin_survive_restarts_of_both(cluster: Cluster) -> None:
    socket = cluster.directory / "kms.sock"
    kms = {"kms": {"apiVersion": "v2", "name": "vault", "endpoint": f"unix://{socket}", "timeout": "60s"}}
    cluster.configure((["secrets"], [kms]))
    plugin = Plugin(socket)
    async with plugin, cluster.serve() as call:
        assert (await call("POST", SECRETS, secret()))[0] == 201
        assert (await call("GET", "/healthz/kms-providers"))[0] == 200
        assert (await call("GET", "/readyz"))[0] == 200
        await plugin.stop()
        # What is in force goes on without the plugin.
        assert (await call("POST", SECRETS, secret("meanwhile")))[0] == 201
        await plugin.start()
        assert ENCODED.encode() not in cluster.disk()
    assert (await cluster.stored()).value.startswith(b"k8s:enc:kms:v2:vault:")

    plugin.rotate("2")
    async with plugin, cluster.serve() as call:
        found = (await call("GET", f"{SECRETS}/web"))[1]
        assert found["data"] == {"password": ENCODED}
        again = (await call("PUT", f"{SECRETS}/web", found))[1]
        assert again["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]
    del plugin.keys["1"]
    async with plugin, cluster.serve() as call:
        assert (await call("GET", f"{SECRETS}/web"))[1] == again
        assert (await call("GET", f"{SECRETS}/meanwhile"))[0] == 500


async def test_an_ill_plugin_is_told_by_health(cluster: Cluster) -> None:
    socket = cluster.directory / "kms.sock"
    kms = {"kms": {"apiVersion": "v2", "name": "vault", "endpoint": f"unix://{socket}"}}
    cluster.configure((["secrets"], [kms, PLAIN]))
    plugin = Plugin(socket)
    plugin.healthz = "sealed"
    async with plugin, cluster.serve() as call:
        assert (await call("GET", "/healthz/kms-providers"))[0] == 500
        status, text = await call("GET", "/readyz")
        assert status == 500
        assert "[-]kms-providers failed: reason withheld" in text


def test_a_server_without_encryption_loads_neither_ciphers_nor_grpc() -> None:
    code = "import sys, pynetes.apiserver.server; print([m for m in sys.modules if m == 'grpc' or '.encryption.' in m])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    package = "pynetes.apiserver.encryption"
    assert found.strip() == str([f"{package}.{module}" for module in ("transformer", "measures", "store")])
